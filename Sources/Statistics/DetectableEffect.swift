/// The smallest shift of the median that a sign-test interval of n values would have excluded 0
/// for, with the given power.
///
/// The interval from the k-th smallest value excludes 0 from below when at least n − k + 1 values
/// are above 0.  With p* the least probability for which `P(B ≥ n − k + 1) ≥ power`,
/// `B ~ Binomial(n, p*)`, the shift needed is the p*-quantile of the median less the values: then a
/// share p* of the shifted values is above 0.  The greater of both sides is returned.
///
/// - Parameters:
///   - values: log-ratios as seen; only their spread enters.
///   - count: the number of blocks asked about; the values' own where `nil`.
/// - Returns: `nil` iff `values` is empty or holds one that is not finite, `power` or `confidence`
///   is outside 0 < x < 1, or `count` values give no interval of that confidence.
/// - Source: the power of the sign test, Gibbons and Chakraborti, Nonparametric Statistical
///   Inference, §5.4.
public func detectableEffect(
  _ values: [Double], count: Int? = nil, confidence: Double, power: Double
) -> Double? {
  guard power > 0, power < 1, let middle = median(values) else { return nil }
  let n = count ?? values.count
  guard n > 0, let k = MedianInterval.rank(count: n, confidence: confidence),
    let share = neededShare(n: n, atLeast: n - k + 1, power: power),
    let below = quantile(values.map { middle - $0 }, share),
    let above = quantile(values.map { $0 - middle }, share)
  else { return nil }
  return max(0, below, above)
}

/// The least p with `P(B ≥ k) ≥ power`, by bisection.
func neededShare(n: Int, atLeast k: Int, power: Double) -> Double? {
  var (low, high) = (0.0, 1.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    guard let reached = Binomial.atLeast(k, n: n, p: middle) else { return nil }
    if reached < power { low = middle } else { high = middle }
  }
  return high
}
