/// A confidence interval of the median from order statistics: the sign test inverted.
///
/// Distribution-free: exact for every continuous distribution, and with ties the coverage is at
/// least the one stated.
public struct MedianInterval: Equatable, Sendable {
  /// The k-th smallest value.
  public let low: Double
  /// The k-th largest value.
  public let high: Double
  /// The exact coverage, `1 − 2·P(B ≤ k − 1)` with `B ~ Binomial(n, ½)`; at least the one asked.
  public let coverage: Double

  /// The interval of the largest `k` whose coverage is at least `confidence`.
  ///
  /// - Parameter confidence: 0 < confidence < 1.
  /// - Returns: `nil` iff `values` holds a value that is not finite, `confidence` is out of range,
  ///   or even the whole range of the values covers less: `1 − 2^(1−n) < confidence`, which for
  ///   0.95 is n < 6 (and so for n = 0 and n = 1).
  /// - Source: David and Nagaraja, Order Statistics, 3rd ed., §7.1;
  ///   `scipy.stats.quantile_test(values, p=0.5).confidence_interval(confidence)`.
  public init?(_ values: [Double], confidence: Double) {
    guard confidence > 0, confidence < 1, values.allSatisfy(\.isFinite) else { return nil }
    guard let best = Self.rank(count: values.count, confidence: confidence) else { return nil }
    var tail = 0.0
    for k in 0..<best { tail += binomialHalf(values.count, k) }
    let sorted = values.sorted()
    low = sorted[best - 1]
    high = sorted[values.count - best]
    coverage = 1 - 2 * tail
  }

  /// The largest k for which the k-th smallest and the k-th largest of `count` values cover at
  /// least `confidence`.
  ///
  /// - Returns: `nil` iff there is none, or `confidence` is outside 0 < confidence < 1.
  static func rank(count: Int, confidence: Double) -> Int? {
    guard confidence > 0, confidence < 1 else { return nil }
    var best: Int?
    var tail = 0.0
    var k = 1
    while 2 * k <= count {
      tail += binomialHalf(count, k - 1)
      guard 1 - 2 * tail >= confidence else { break }
      best = k
      k += 1
    }
    return best
  }

  /// The fewest values that give an interval of this confidence: the least n with
  /// `1 − 2^(1−n) ≥ confidence`.
  ///
  /// - Returns: `nil` iff `confidence` is outside 0 < confidence < 1.
  public static func fewestValues(confidence: Double) -> Int? {
    guard confidence > 0, confidence < 1 else { return nil }
    var count = 2
    var outside = 0.5
    while 1 - outside < confidence {
      count += 1
      outside /= 2
    }
    return count
  }
}

/// `C(n, k) / 2^n`, the probability of k heads in n fair throws; by logarithms, so that large n
/// does not underflow.
///
/// - Returns: 0 iff `k` is outside 0…n (or the probability is below the least Double).
func binomialHalf(_ n: Int, _ k: Int) -> Double {
  guard k >= 0, k <= n else { return 0 }
  var logarithm = -Double(n) * 0.6931471805599453
  for i in 0..<min(k, n - k) {
    logarithm += naturalLogarithm(Double(n - i) / Double(i + 1))
  }
  return exponential(logarithm)
}
