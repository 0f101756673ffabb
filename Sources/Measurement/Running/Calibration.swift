import Foundation

extension Runner {
  /// Lengths of the measured part that are tried, in milliseconds.
  static let lengths = [3, 6, 12, 25]
  /// What one must hold, per thread.
  static let fewestOperations: UInt64 = 1_000
  static let fewestInterrupts: UInt64 = 20
  /// How often a count is tried out, and changed where the length is not the wanted one.
  static let trials = 4

  /// The iteration count for every arm and block of a comparison: that of the shortest length
  /// that holds enough operations and interrupts, on the first arm that runs.
  ///
  /// `null` comes last: its loop is so short that the other arms would take ten times as long.
  ///
  /// - Returns: `nil` iff no arm runs, or the run was interrupted.
  func calibration(of comparison: Plan.Comparison) throws(Failure) -> Plan.Calibration? {
    let isNull = { (arm: Plan.PlannedCell) in arm.cell.subject == "null" }
    for arm in comparison.arms.filter({ !isNull($0) }) + comparison.arms.filter(isNull)
    where !isWithdrawn(arm) {
      if let found = try calibration(of: comparison, on: arm) { return found }
      if interrupted { return nil }
    }
    return nil
  }

  private func calibration(of comparison: Plan.Comparison, on arm: Plan.PlannedCell)
    throws(Failure) -> Plan.Calibration?
  {
    if let fixed = arm.cell.fixedIterations {
      return Plan.Calibration(
        iterations: fixed, targetNanoseconds: UInt64(plan.sampleMilliseconds) * 1_000_000,
        subject: arm.cell.subject, operationsPerThread: fixed, interruptsPerThread: 0)
    }
    let shortest = plan.sampleMilliseconds
    let lengths = Self.lengths.filter { $0 >= shortest }
    var best: Plan.Calibration?
    for length in lengths.isEmpty ? [shortest] : lengths {
      let target = UInt64(length) * 1_000_000
      let seed = derivedSeed(plan.seed, "calibration", comparison.id)
      guard let found = try calibration(arm, seed: seed, target: target) else { return nil }
      best = found
      if found.operationsPerThread >= Self.fewestOperations
        && (arm.cell.interrupts == .none || found.interruptsPerThread >= Self.fewestInterrupts)
      {
        return found
      }
    }
    return best
  }

  /// The count whose measured part takes from `target` to twice as long.
  ///
  /// The sample's own estimate comes from a colder, shorter run than a block's sample, so the
  /// count is tried out as a block would use it, and corrected.
  private func calibration(_ arm: Plan.PlannedCell, seed: UInt64, target: UInt64)
    throws(Failure) -> Plan.Calibration?
  {
    // Room for drift on both sides: 4 ms of 3…6 ms.
    let aim = target / 3 * 4
    // The rounds of kunit are its test; the sample's own estimate knows only batches.
    var iterations: UInt64 = arm.cell.workload == .kunit ? arm.cell.leastIterations : 0
    var best: Plan.Calibration?
    for _ in 0..<Self.trials {
      guard let record = try trial(arm, iterations: iterations, aim: aim, seed: seed),
        let ran = record.value("iterations"), ran > 0,
        let operations = record.value("operations"),
        let length = record.undisturbedNanoseconds(threads: arm.cell.threads)
      else { return nil }
      let threads = UInt64(arm.cell.threads)
      best = Plan.Calibration(
        iterations: ran, targetNanoseconds: target, subject: arm.cell.subject,
        operationsPerThread: operations / threads,
        interruptsPerThread: (record.value("handler_signals") ?? 0) / threads)
      let wasTried = iterations != 0
      let fits = length >= target && length <= 2 * target
      // One pass over a trace, or one batch, may take longer than wanted.
      let isLeast = length > target && ran <= arm.cell.leastIterations
      if wasTried && (fits || isLeast) { return best }
      iterations = fits ? ran : arm.cell.scaled(ran, by: Double(aim) / Double(max(1, length)))
    }
    best?.iterations = max(1, iterations)
    return best
  }

  /// One sample of the arm without its `seconds`; `nil` iff it did not give a result: the sample of
  /// the first block will say so again, on record.
  private func trial(_ arm: Plan.PlannedCell, iterations: UInt64, aim: UInt64, seed: UInt64)
    throws(Failure) -> SampleRecord?
  {
    if inputs.problem(arm.cell) != nil { return nil }
    var cell = arm.cell
    cell.seconds = 0
    let entry = try inputs.entry(
      cell, iterations: iterations, targetNanoseconds: aim, seed: seed)
    switch try tool.run(entry, seconds: limit(aim, cell), signals: signals) {
    case .interrupted:
      interrupt()
      return nil
    case .failed(let reason, _):
      note("\(arm.id): calibration failed: \(reason)")
      return nil
    case .record(let record): return record.status == .ok ? record : nil
    }
  }
}

extension Cell {
  /// What is run where a signal per instruction makes the length; nil where calibration finds it.
  /// Counted: the sample repeats its call by itself.
  var fixedIterations: UInt64? {
    counted ? 1 : interrupts == .step ? max(4, leastIterations) : nil
  }

  /// The least that can be run: a pass, a batch, a test of 1000 rounds, an operation.
  var leastIterations: UInt64 {
    switch workload {
    case .batch: UInt64(batch)
    // The kernel's test is one thing: 1000 rounds.
    case .kunit: UInt64(batch * Self.kunitRounds)
    default: 1
    }
  }

  /// `iterations` scaled, in whole batches.
  func scaled(_ iterations: UInt64, by factor: Double) -> UInt64 {
    let unit = leastIterations
    // At most a hundredfold: a stalled or an empty trial must not lead to hours.
    let wanted = Double(iterations) * min(100, max(0.01, factor))
    return max(1, UInt64((wanted / Double(unit)).rounded())) * unit
  }
}

extension SampleRecord {
  func value(_ name: String) -> UInt64? { metrics.first { $0.name == name }?.value }

  /// How long the measured part takes where nobody else wants the CPUs: the threads' CPU time.
  /// Its wall time on a busy machine is a matter of luck, and calibration has few trials.
  func undisturbedNanoseconds(threads: Int) -> UInt64? {
    let parallel = min(threads, ProcessInfo.processInfo.activeProcessorCount)
    return value("cpu_ns").map { $0 / UInt64(max(1, parallel)) } ?? value("wall_ns")
  }
}
