/// Which samples of a run count: of every block the last attempt, and of those only whole ones.
public struct Blocks: Sendable {
  /// A comparison's samples, sorted into valid blocks.
  public struct Sorted: Sendable {
    /// Numbers of the blocks in which every arm that can run gave a result.
    public var valid: [Int] = []
    /// Numbers of the blocks in which one failed.
    public var discarded: [Int] = []
    /// The valid samples of each arm, by the cell's hash, in the order of `valid`.
    public var samples: [String: [Sample]] = [:]
  }

  private let byHash: [String: [Sample]]

  public init(_ samples: [Sample]) {
    byHash = Dictionary(grouping: samples, by: \.hash)
  }

  /// All samples of a cell, valid or not.
  public func all(_ hash: String) -> [Sample] { byHash[hash] ?? [] }

  /// Sorts a comparison's samples.  Arms without a single result (skipped, or always failing)
  /// do not make a block invalid: the other arms' blocks are whole without them.
  public func sorted(_ comparison: Plan.Comparison) -> Sorted {
    let arms = comparison.arms.map(\.hash).filter { hash in
      all(hash).contains { $0.status == .ok }
    }
    var sorted = Sorted()
    let everything = comparison.arms.flatMap { all($0.hash) }
    for block in Set(everything.map(\.block)).sorted() {
      let here = everything.filter { $0.block == block }
      let attempt = here.map(\.attempt).max()
      let last = here.filter { $0.attempt == attempt }
      let results = arms.compactMap { hash in
        last.first { $0.hash == hash && $0.status == .ok }
      }
      if results.count == arms.count && !arms.isEmpty {
        sorted.valid.append(block)
        for sample in results { sorted.samples[sample.hash, default: []].append(sample) }
      } else if last.contains(where: { $0.status == .failed && arms.contains($0.hash) }) {
        sorted.discarded.append(block)
      }
    }
    return sorted
  }
}
