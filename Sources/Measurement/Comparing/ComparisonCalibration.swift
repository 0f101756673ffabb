import Statistics

extension ComparisonRunner {
  /// Absolute limits become relative ones, and the plant is slowed by twice the greatest.
  private func fixLimits(_ index: Int, _ record: SampleRecord) {
    let cell = plan.cells[index]
    var sample = Sample(
      SamplePlace(cell: "", hash: "", block: 0, position: 0, attempt: 0, seed: 0), .ok)
    sample.metrics = record.metrics
    sample.latency = record.buckets
    for (place, metric) in cell.metrics.enumerated() {
      guard let absolute = metric.absolute, let derived = Derived.named(metric.name),
        derived.scale == .ratio, let value = derived.value(of: sample, threads: cell.cell.threads),
        value > 0
      else { continue }
      plan.cells[index].metrics[place].limit = max(metric.limit, absolute / value)
    }
    for pair in plan.pairs where pair.role == .plant {
      plan.cells[index].dilations[pair.arm] = plan.cells[index].plantedShare
    }
  }

  /// The iteration count of every cell, on the base; then how long a block takes; then the looks.
  func calibrate() throws(Failure) {
    for index in plan.cells.indices
    where plan.cells[index].needsBlocks && plan.cells[index].schedule == nil
      && plan.cells[index].reason == nil
    {
      observer?.progress(done: 0, total: 0, cell: "calibrating \(plan.cells[index].id)")
      let base = plan.pairs.first?.base ?? 0
      for length in Runner.lengths {
        guard let found = try calibration(index, base, UInt64(length) * 1_000_000) else { break }
        plan.cells[index].calibration = found
        let rare = plan.cells[index].cell.interrupts != .none
        if found.operationsPerThread >= Runner.fewestOperations
          && (!rare || found.interruptsPerThread >= Runner.fewestInterrupts)
        {
          break
        }
      }
      if interrupted { return }
      try schedule(index)
      if interrupted { return }
    }
    try save()
  }

  private func calibration(_ index: Int, _ arm: Int, _ target: UInt64) throws(Failure)
    -> Plan.Calibration?
  {
    let cell = plan.cells[index]
    let seed = derivedSeed(plan.seed, "calibration", cell.id)
    let entry = try entry(cell, arm, 0, seed, nil, target)
    switch try tool.run(entry, seconds: limit(target), signals: signals) {
    case .interrupted:
      interrupted = true
    case .failed(let reason, _): leaveOut(arm, of: index, because: reason)
    case .record(let record):
      guard record.status == .ok, let iterations = record.value("iterations"), iterations > 0,
        let operations = record.value("operations")
      else {
        leaveOut(arm, of: index, because: record.reason)
        return nil
      }
      let threads = UInt64(cell.cell.threads)
      return Plan.Calibration(
        iterations: iterations, targetNanoseconds: target, subject: plan.arms[arm].name,
        operationsPerThread: operations / threads,
        interruptsPerThread: (record.value("handler_signals") ?? 0) / threads)
    }
    return nil
  }

  /// One sample of every arm, not counted: whether it runs, and how long a block takes of those that
  /// do.
  private func schedule(_ index: Int) throws(Failure) {
    guard let calibration = plan.cells[index].calibration else { return }
    let perThread = Double(calibration.operationsPerThread)
    let wanted = perThread * 20_000 / Double(calibration.targetNanoseconds)
    let what = plan.cells[index].cell
    let unit = [.batch, .kunit].contains(what.workload) ? what.batch : 1
    plan.cells[index].chunk = UInt32(clamping: max(1, Int(wanted) / unit) * unit)
    let cell = plan.cells[index]
    var seconds = 0.0
    let base = plan.pairs.first?.base ?? 0
    for arm in plan.arms.indices {
      let before = monotonicSeconds()
      let seed = derivedSeed(plan.seed, "pilot", cell.id)
      let length = calibration.targetNanoseconds
      let entry = try entry(cell, arm, 0, seed, calibration, length)
      switch try tool.run(entry, seconds: limit(length), signals: signals) {
      case .interrupted:
        interrupted = true
        return
      case .failed(let reason, _): leaveOut(arm, of: index, because: reason)
      case .record(let record) where record.status != .ok:
        leaveOut(arm, of: index, because: record.reason)
      case .record(let record):
        if arm == base { fixLimits(index, record) }
        seconds += monotonicSeconds() - before
      }
      if plan.cells[index].reason != nil { return }
    }
    let fits = Int(min(1e6, plan.budgetSeconds / max(1e-4, seconds)))
    let blocks = min(fits, plan.largestBlocks ?? fits)
    plan.cells[index].blocks = blocks
    plan.cells[index].schedule = LookSchedule(blocks: blocks, comparisons: plan.decisions)
  }
}
