import CRecords

/// A mix as the sample program draws from it: a power of two of sizes in bytes, each drawn
/// equally often.
public struct MixTable: Equatable, Sendable {
  public let sizes: [UInt32]

  /// The entries of a table, 1024, except for a fixed size (1).
  static let entries = Int(NL_MIX_ENTRIES)

  /// One size.
  init(fixed size: UInt32) { sizes = [size] }

  /// `entries` sizes spread evenly over low…high: one from each of 1024 equal strata, at a place
  /// drawn from `seed`.
  init(low: UInt32, high: UInt32, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let span = Double(high - low + 1) / Double(Self.entries)
    sizes = (0..<Self.entries).map { index in
      min(high, low + UInt32((Double(index) + generator.unit()) * span))
    }
  }

  /// Entries in proportion to the weights, by largest remainders; a size of positive weight gets
  /// at least one entry, so that rare sizes do not vanish.
  ///
  /// - Returns: `nil` iff no weight is above 0 or more than 1024 are.
  public init?(weights: [(size: UInt32, weight: Double)]) {
    let positive = weights.filter { $0.weight > 0 && $0.weight.isFinite }
    let total = positive.reduce(0) { $0 + $1.weight }
    guard !positive.isEmpty, positive.count <= Self.entries, total.isFinite else { return nil }
    let spare = Self.entries - positive.count
    let exact = positive.map { $0.weight / total * Double(spare) }
    var counts = exact.map { Int($0) }
    let byRemainder = exact.indices.sorted { a, b in
      let (ra, rb) = (exact[a] - Double(counts[a]), exact[b] - Double(counts[b]))
      return ra != rb ? ra > rb : a < b
    }
    var missing = spare - counts.reduce(0, +)
    for index in byRemainder where missing > 0 {
      counts[index] += 1
      missing -= 1
    }
    sizes = positive.indices.flatMap { index in
      [UInt32](repeating: positive[index].size, count: counts[index] + 1)
    }
  }
}
