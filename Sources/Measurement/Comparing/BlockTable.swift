import Statistics

/// The samples of one cell, sorted into whole blocks.  Only a block with a sample that is not ok
/// is dropped, whole; no timed block ever is (a slower arm collects more noise: a bias).
struct BlockTable {
  /// Numbers of the blocks in which every arm of the cell gave a result, ascending.
  private(set) var whole: [Int] = []
  /// Numbers of those in which one did not.
  private(set) var dropped: [Int] = []
  private(set) var reason: String?
  /// By arm, in how many blocks it did not.
  private(set) var failures: [Int]
  /// By arm, the samples of `whole` in its order; none of an arm that is missing.
  private(set) var samples: [[Sample]]

  init(_ plan: ComparisonPlan, _ cell: ComparisonPlan.CellPlan, samples all: [Sample]) {
    let arms = plan.arms(of: cell)
    let keys = arms.map { plan.key(cell, $0) }
    samples = plan.arms.map { _ in [] }
    failures = plan.arms.map { _ in 0 }
    let own = Dictionary(grouping: all.filter { keys.contains($0.hash) }, by: \.block)
    for block in own.keys.sorted() {
      let here = own[block] ?? []
      let attempt = here.map(\.attempt).max()
      let last = here.filter { $0.attempt == attempt }
      let found = keys.compactMap { key in last.first { $0.hash == key } }
      guard found.count == keys.count else { continue }
      if let bad = found.first(where: { $0.status != .ok }) {
        dropped.append(block)
        reason = bad.reason
        for (arm, sample) in zip(arms, found) where sample.status != .ok { failures[arm] += 1 }
      } else {
        whole.append(block)
        for (arm, sample) in zip(arms, found) { samples[arm].append(sample) }
      }
    }
  }
}

extension ComparisonPlan {
  /// The median of a derived metric of one arm over the whole blocks; `nil` iff there are none.
  public func median(of metric: String, _ cell: CellPlan, _ arm: Int, _ samples: [Sample])
    -> Double?
  {
    guard let derived = Derived.named(metric) else { return nil }
    let table = BlockTable(self, cell, samples: samples)
    return Statistics.median(
      table.samples[arm].compactMap { derived.value(of: $0, threads: cell.cell.threads) })
  }
}
