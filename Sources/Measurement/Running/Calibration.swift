extension Runner {
  /// Lengths of the measured part that are tried, in milliseconds.
  static let lengths = [3, 6, 12, 25]
  /// What one must hold, per thread.
  static let fewestOperations: UInt64 = 1_000
  static let fewestInterrupts: UInt64 = 20

  /// The iteration count for every arm and block of a comparison: that of the shortest length
  /// that holds enough operations and interrupts, on the first arm that runs.
  ///
  /// - Returns: `nil` iff no arm runs, or the run was interrupted.
  func calibration(of comparison: Plan.Comparison) throws(Failure) -> Plan.Calibration? {
    for arm in comparison.arms where !isWithdrawn(arm) {
      if let found = try calibration(of: comparison, on: arm) { return found }
      if interrupted { return nil }
    }
    return nil
  }

  private func calibration(of comparison: Plan.Comparison, on arm: Plan.PlannedCell)
    throws(Failure) -> Plan.Calibration?
  {
    let shortest = plan.sampleMilliseconds
    let lengths = Self.lengths.filter { $0 >= shortest }
    var best: Plan.Calibration?
    for length in lengths.isEmpty ? [shortest] : lengths {
      let target = UInt64(length) * 1_000_000
      let entry = try inputs.entry(
        arm.cell, iterations: 0, targetNanoseconds: target,
        seed: derivedSeed(plan.seed, "calibration", comparison.id))
      switch try tool.run(entry, seconds: limit(target), signals: signals) {
      case .interrupted:
        interrupt()
        return nil
      case .failed(let reason, _):
        note("\(arm.id): calibration failed: \(reason)")
        return nil
      case .record(let record):
        // Skipped or failed: the sample of the first block will say so again, on record.
        guard record.status == .ok, let iterations = record.value("iterations"), iterations > 0,
          let operations = record.value("operations")
        else { return nil }
        let threads = UInt64(arm.cell.threads)
        let found = Plan.Calibration(
          iterations: iterations, targetNanoseconds: target, subject: arm.cell.subject,
          operationsPerThread: operations / threads,
          interruptsPerThread: (record.value("handler_signals") ?? 0) / threads)
        best = found
        if found.operationsPerThread >= Self.fewestOperations
          && (arm.cell.interrupts == .none || found.interruptsPerThread >= Self.fewestInterrupts)
        {
          return found
        }
      }
    }
    return best
  }
}

extension SampleRecord {
  func value(_ name: String) -> UInt64? { metrics.first { $0.name == name }?.value }
}
