/// Exact quantiles of a set of numbers, by nearest rank.
public struct Quantiles: Codable, Sendable, Equatable {
  public let median: UInt64
  public let p90: UInt64
  public let p99: UInt64
  public let max: UInt64

  /// - Returns: `nil` iff there are no numbers.
  init?(_ values: [UInt64]) {
    guard let last = values.max() else { return nil }
    let sorted = values.sorted()
    func rank(_ percent: Int) -> UInt64 { sorted[(sorted.count * percent + 99) / 100 - 1] }
    median = rank(50)
    p90 = rank(90)
    p99 = rank(99)
    max = last
  }
}
