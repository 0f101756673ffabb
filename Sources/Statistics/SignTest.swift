/// The sign test: whether the median of paired differences is 0.
///
/// Exact whatever the distribution, as long as the sign of a difference is a fair coin where both
/// arms are the same; the random order within a block makes it one (harness.md, "Words").
public struct SignTest: Equatable, Sendable {
  /// Differences above and below 0, and those that are 0 and left out.
  public let above: Int
  public let below: Int
  public let zeros: Int
  /// Two-sided: `min(1, 2·P(B ≤ min(above, below)))`, `B ~ Binomial(above + below, ½)`; 1 where
  /// every difference is 0.
  public let pValue: Double

  /// - Returns: `nil` iff there are no differences or one is NaN.
  /// - Source: Dixon and Mood (1946); `scipy.stats.binomtest(above, above + below).pvalue`.
  public init?(_ differences: [Double]) {
    guard !differences.isEmpty, !differences.contains(where: \.isNaN) else { return nil }
    above = differences.count { $0 > 0 }
    below = differences.count { $0 < 0 }
    zeros = differences.count - above - below
    let tail = Binomial.atMost(min(above, below), n: above + below, p: 0.5) ?? 1
    pValue = min(1, 2 * tail)
  }
}
