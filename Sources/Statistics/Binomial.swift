/// The binomial distribution, exact to rounding.
public enum Binomial {
  /// `P(B = k)` for `B ~ Binomial(n, p)`.
  ///
  /// - Returns: `nil` iff `n` is negative or `p` is outside 0…1 or NaN; 0 for k outside 0…n.
  /// - Source: `scipy.stats.binom.pmf`.
  public static func mass(_ k: Int, n: Int, p: Double) -> Double? {
    guard n >= 0, p >= 0, p <= 1 else { return nil }
    guard k >= 0, k <= n else { return 0 }
    if p == 0 { return k == 0 ? 1 : 0 }
    if p == 1 { return k == n ? 1 : 0 }
    return exponential(
      logChoose(n, k) + Double(k) * naturalLogarithm(p)
        + Double(n - k) * naturalLogarithm(1 - p))
  }

  /// `P(B ≤ k)`, the shorter tail summed.
  ///
  /// - Returns: `nil` as for `mass`.
  /// - Source: `scipy.stats.binom.cdf`.
  public static func atMost(_ k: Int, n: Int, p: Double) -> Double? {
    guard n >= 0, p >= 0, p <= 1 else { return nil }
    if k < 0 { return 0 }
    if k >= n { return 1 }
    if p == 0 { return 1 }
    if p == 1 { return 0 }
    let upper = 2 * (k + 1) > n
    let range = upper ? (k + 1)...n : 0...k
    let sum = sumOfMasses(range, n: n, p: p)
    return min(1, max(0, upper ? 1 - sum : sum))
  }

  /// `P(B ≥ k)`.
  public static func atLeast(_ k: Int, n: Int, p: Double) -> Double? {
    // Of n − B failures at most n − k, so that a small tail keeps its digits.
    atMost(n - k, n: n, p: 1 - p)
  }

  /// Each mass from the one before: `C(n, k+1)·p^(k+1)·… = C(n, k)·… · (n−k)/(k+1) · p/(1−p)`.
  private static func sumOfMasses(_ range: ClosedRange<Int>, n: Int, p: Double) -> Double {
    var logarithm =
      logChoose(n, range.lowerBound) + Double(range.lowerBound) * naturalLogarithm(p)
      + Double(n - range.lowerBound) * naturalLogarithm(1 - p)
    let odds = naturalLogarithm(p / (1 - p))
    var sum = 0.0
    for k in range {
      sum += exponential(logarithm)
      guard k < n else { break }
      logarithm += naturalLogarithm(Double(n - k) / Double(k + 1)) + odds
    }
    return sum
  }
}
