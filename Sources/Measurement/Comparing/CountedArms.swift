/// Counted mode of a comparison: each arm's instructions, one sample.
extension ComparisonRunner {
  /// Operations counted: enough for a few refills and flushes of each kind.
  private static let operations: UInt64 = 250
  /// Time of a counted sample before it is killed: tens of thousands of signals.
  private static let countedSeconds = 120.0

  /// Takes a counted sample of every arm that has none yet; a cell that cannot be counted gets
  /// none.
  func count(_ index: Int, arms: [Int]) throws(Failure) {
    let cell = plan.cells[index]
    guard let work = cell.cell.inCountedMode else { return }
    for (position, arm) in arms.enumerated() {
      let key = plan.countedKey(cell, arm)
      if samples.contains(where: { $0.hash == key }) { continue }
      observer?.progress(done: 0, total: 0, cell: "counting \(cell.id)")
      let place = SamplePlace(
        cell: "\(cell.id) \(plan.arms[arm].name) counted", hash: key, block: 0,
        position: position, attempt: 0, seed: plan.sampleSeed(of: cell, block: 0))
      func has(_ role: ComparisonPlan.Role) -> Bool {
        plan.pairs.contains { $0.arm == arm && $0.role == role }
      }
      var own = work
      // Counts do not depend on the layout: the copy proves it with another one.
      own.subject = plan.arms[arm].subject(layout: has(.copy) ? 1 : 0)
      let entry = try inputs.entry(
        own, iterations: Self.operations, targetNanoseconds: 1, seed: place.seed,
        dilation: Dilation(share: has(.plant) ? 1 : 0, chunk: 1), counted: true)
      guard
        let sample = try tool.take(
          place, entry, seconds: Self.countedSeconds, signals: signals)
      else {
        interrupted = true
        return
      }
      try keep(sample)
    }
  }
}

extension ComparisonPlan.CellPlan {
  /// Whether a metric is one of counted mode.
  static func isCounted(_ metric: String) -> Bool { metric.hasPrefix("step_") }

  /// Whether its gated counts come from counted mode.
  var countsInstructions: Bool { counts.contains(where: Self.isCounted) }

  /// Whether timed samples are wanted at all.
  public var needsBlocks: Bool {
    !metrics.isEmpty || counts.isEmpty || !counts.allSatisfy(Self.isCounted)
  }

  /// What the plant of a gate is dilated by: twice the greatest limit on a time.
  public var plantedShare: Double {
    2 * (metrics.filter { Derived.named($0.name)?.isDilated == true }.map(\.limit).max() ?? 0)
  }
}

extension Cell {
  /// The same work as counted mode can do it: one thread, no interrupts, a storm's foreground
  /// alone; `nil` iff there is no such (replay, and what takes two threads or interrupts).
  var inCountedMode: Cell? {
    var cell = self
    switch workload {
    case .replay, .handoff, .kunit: return nil
    case .storm: cell.workload = foreground == .pair ? .pair : .churn
    case .larson: cell.workload = .churn
    case .pair, .batch, .churn: break
    }
    cell.threads = 1
    cell.interrupts = .none
    cell.rate = 0
    cell.limit = 0
    cell.seconds = 0
    return cell
  }
}
