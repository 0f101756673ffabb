/// How one arm compares with another, from values measured side by side in the same blocks.
public struct PairedRatio: Equatable, Sendable {
  /// Blocks that entered.
  public let count: Int
  /// `exp` of the median of the per-block `ln(arm / base)`.
  public let median: Double
  /// `exp` of the order-statistic interval of that median; `nil` where there are too few blocks.
  public let low: Double?
  public let high: Double?
  /// Exact coverage of the interval.
  public let coverage: Double?

  /// Pairs `arm[i]` with `base[i]`.
  ///
  /// The coin that orders the arms within a block makes the sign of `ln(arm / base)` symmetric
  /// when both are the same, whatever the noise does, so the sign test is exact (harness.md).
  ///
  /// - Returns: `nil` iff the arrays are empty or differ in length, or a value is not finite or
  ///   not above 0 (a logarithm of it does not exist).
  public init?(arm: [Double], base: [Double], confidence: Double) {
    guard !arm.isEmpty, arm.count == base.count else { return nil }
    var logarithms: [Double] = []
    for (a, b) in zip(arm, base) {
      guard a.isFinite, b.isFinite, a > 0, b > 0 else { return nil }
      logarithms.append(naturalLogarithm(a / b))
    }
    guard let middle = Statistics.median(logarithms) else { return nil }
    count = arm.count
    median = exponential(middle)
    let interval = MedianInterval(logarithms, confidence: confidence)
    low = interval.map { exponential($0.low) }
    high = interval.map { exponential($0.high) }
    coverage = interval?.coverage
  }
}
