/// Counts, gated exactly: one sample of each arm decides.
extension GateReport {
  /// The line of a count.  Its controls: the copy's must be the base's, and the plant's must not
  /// pass.  In counted mode the plant really ran one instruction more in each call; any other count
  /// is the base's with 1 added.
  static func counted(
    _ plan: ComparisonPlan, _ cell: ComparisonPlan.CellPlan, _ metric: String, _ samples: [Sample],
    _ table: BlockTable
  ) -> Line {
    var line = Line(
      cell: cell.id, metric: metric, limit: 0, isSoft: false, blocks: 0, outcome: .void,
      message: "no block", changes: [])
    let stepped = ComparisonPlan.CellPlan.isCounted(metric)
    if stepped, cell.cell.inCountedMode == nil {
      line.message =
        "\(cell.cell.workload.rawValue) has no counted mode: \(metric) is not to be had"
      return line
    }
    let arms =
      stepped
      ? plan.arms.indices.map { arm in
        samples.last { $0.hash == plan.countedKey(cell, arm) }
      } : table.samples.map(\.first)
    if let bad = arms.first(where: { $0.map { $0.status != .ok } ?? false }) {
      line.outcome = .failed
      line.message = bad?.reason ?? "a counted sample failed"
      return line
    }
    if let reason = cell.reason ?? (table.whole.isEmpty ? table.reason : nil), !stepped {
      line.outcome = .failed
      line.message = reason
      return line
    }
    guard arms.count > 3, let first = arms[0], let second = arms[1], let third = arms[2],
      let fourth = arms[3]
    else { return line }
    line.blocks = 1
    guard let base = first.value(metric), let new = second.value(metric),
      let copy = third.value(metric), let last = fourth.value(metric)
    else {
      line.message = "the samples have no \(metric): not measured here"
      return line
    }
    line.baseCount = base
    line.newCount = new
    line.ratio = base > 0 ? Double(new) / Double(base) : nil
    line.copy = compare(metric, base, copy) == .pass ? .held : .failed
    line.plant = compare(metric, base, stepped ? last : base &+ 1) == .regression ? .held : .failed
    guard line.copy == .held else {
      line.message = "control: \(metric) is \(base) and \(copy) for the same code"
      return line
    }
    guard line.plant == .held else {
      line.message = "control: one instruction more in each call was not seen: \(base), \(last)"
      return line
    }
    line.outcome = compare(metric, base, new)
    line.message = new == base ? "\(base), equal" : "\(base) → \(new)"
    return line
  }

  /// Less of an instruction or of an event in the allocator is better; of anything else (work done,
  /// objects allocated) another number is a fault.
  static func compare(_ metric: String, _ base: UInt64, _ new: UInt64) -> Outcome {
    if new == base { return .pass }
    let isCost = metric.hasPrefix("step_") || metric.hasPrefix("stat.")
    return isCost && new < base ? .improvement : .regression
  }
}
