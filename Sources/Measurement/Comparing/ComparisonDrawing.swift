/// What is drawn for each block, and what its samples are filed under: the same whenever it is asked.
extension ComparisonPlan {
  /// The order of the arms in one block: a fresh uniform permutation, the same whenever it is run.
  func order(of cell: CellPlan, block: Int) -> [Int] {
    var generator = SplitMix64(seed: derivedSeed(seed, "order", cell.id, "\(block)"))
    return Array(arms.indices).shuffled(using: &generator)
  }

  /// The layout an arm has in a block.  The copy of a gate draws one that the base does not have.
  func layout(of arm: Int, in cell: CellPlan, block: Int) -> Int {
    let count = arms[arm].layouts
    var generator = SplitMix64(seed: derivedSeed(seed, "layout", cell.id, "\(block)", "\(arm)"))
    if count > 1, let pair = pairs.first(where: { $0.arm == arm && $0.role == .copy }) {
      let base = layout(of: pair.base, in: cell, block: block)
      return (base + 1 + Int(generator.next() % UInt64(count - 1))) % count
    }
    return Int(generator.next() % UInt64(count))
  }

  /// The seed of every arm's workload in one block.
  func sampleSeed(of cell: CellPlan, block: Int) -> UInt64 {
    derivedSeed(seed, "sample", cell.id, "\(block)")
  }

  /// What the samples of an arm of a cell are filed under.
  func key(_ cell: CellPlan, _ arm: Int) -> String {
    hexadecimal(fnv1a(cell.cell.hash + "\u{1f}\(arm)\u{1f}" + arms[arm].name))
  }

  /// What the counted sample of an arm of a cell is filed under.
  func countedKey(_ cell: CellPlan, _ arm: Int) -> String {
    hexadecimal(fnv1a("counted\u{1f}" + key(cell, arm)))
  }
}
