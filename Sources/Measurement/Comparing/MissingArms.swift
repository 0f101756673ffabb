/// Arms that cannot run a cell: the others are measured and compared without them.
extension ComparisonPlan {
  /// An arm that a cell goes on without.
  public struct Missing: Codable, Equatable, Sendable {
    /// Index of the arm.
    public var arm: Int
    /// What it did: returned NULL, crashed, promises nothing in a handler.
    public var reason: String

    public init(arm: Int, reason: String) {
      self.arm = arm
      self.reason = reason
    }
  }

  /// Books that an arm cannot run a cell.  Without the base nothing can be compared, and a gate
  /// needs all of its arms: then, and where no pair is left, it is the whole cell's reason.
  mutating func leaveOut(_ arm: Int, of index: Int, because reason: String) {
    let cell = cells[index]
    if gate == nil, arm != pairs.first?.base ?? 0 {
      cells[index].missing = (cell.missing ?? []) + [Missing(arm: arm, reason: reason)]
      if pairs.contains(where: { absence($0, in: cells[index]) == nil }) { return }
    }
    cells[index].reason = "\(arms[arm].name): \(reason)"
  }

  /// Why a pair cannot be compared in a cell; `nil` iff the cell has both of its arms.
  func absence(_ pair: Pair, in cell: CellPlan) -> String? {
    cell.missing?.first { [pair.arm, pair.base].contains($0.arm) }
      .map { "\(arms[$0.arm].name): \($0.reason)" }
  }

  /// What could not be measured: a line per cell and arm.
  public var failures: [String] {
    cells.flatMap { cell in
      let missing = (cell.missing ?? []).map { "\(cell.id): \(arms[$0.arm].name): \($0.reason)" }
      let whole = cell.reason.map { "\(cell.id): \($0)" }
      return missing + [whole].compactMap(\.self).filter { !missing.contains($0) }
    }
  }

  /// The arms that a cell is measured with, ascending.
  func arms(of cell: CellPlan) -> [Int] { arms.indices.filter(cell.runs) }
}

extension ComparisonPlan.CellPlan {
  /// Whether an arm is measured in this cell.
  func runs(_ arm: Int) -> Bool { !(missing ?? []).contains { $0.arm == arm } }
}

extension ComparisonRunner {
  /// Failed samples of an arm before it may be left out.
  private static let fewestFailures = 3

  /// Goes on without an arm.
  func leaveOut(_ arm: Int, of index: Int, because reason: String) {
    plan.leaveOut(arm, of: index, because: reason)
    if plan.cells[index].reason == nil {
      observer?.note("\(plan.cells[index].id): goes on without \(plan.arms[arm].name): \(reason)")
    }
  }

  /// Leaves out the arms with three or more failed samples in more than 2 % of a cell's blocks, a
  /// share that would void it.  What is left out depends on no time, and a block that only they
  /// spoiled is whole for the others.
  ///
  /// - Returns: whether there were any.
  func leaveOutFailing(_ index: Int, blocks: Int, failures: [Int]) -> Bool {
    let failing = plan.arms(of: plan.cells[index]).filter {
      failures[$0] >= Self.fewestFailures && Double(failures[$0]) > 0.02 * Double(blocks)
    }
    for arm in failing {
      let key = plan.key(plan.cells[index], arm)
      let last = samples.last { $0.hash == key && $0.status != .ok }
      leaveOut(arm, of: index, because: last?.reason ?? "a failed sample")
    }
    return !failing.isEmpty
  }
}
