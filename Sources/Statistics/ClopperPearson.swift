/// The exact interval of a proportion: of an alarm rate from the alarms seen, for one.
public struct ClopperPearson: Equatable, Sendable {
  public let low: Double
  public let high: Double

  /// Those p at which neither `P(B ≥ successes)` nor `P(B ≤ successes)` is below
  /// `(1 − confidence) / 2`.
  ///
  /// - Returns: `nil` iff `trials` is not above 0, `successes` is outside 0…trials, or `confidence`
  ///   is outside 0 < confidence < 1.
  /// - Source: Clopper and Pearson (1934);
  ///   `scipy.stats.binomtest(k, n).proportion_ci(method="exact")`.
  public init?(successes: Int, trials: Int, confidence: Double) {
    guard trials > 0, (0...trials).contains(successes), confidence > 0, confidence < 1 else {
      return nil
    }
    let tail = (1 - confidence) / 2
    low =
      successes == 0
      ? 0 : Self.root { (Binomial.atLeast(successes, n: trials, p: $0) ?? 0) - tail }
    high =
      successes == trials
      ? 1 : Self.root { tail - (Binomial.atMost(successes, n: trials, p: $0) ?? 0) }
  }

  /// Where a function that grows over 0…1 crosses 0, by bisection to the last bit.
  private static func root(_ function: (Double) -> Double) -> Double {
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = low + (high - low) / 2
      if middle <= low || middle >= high { return middle }
      if function(middle) < 0 { low = middle } else { high = middle }
    }
  }
}
