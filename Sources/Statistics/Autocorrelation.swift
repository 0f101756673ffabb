/// Autocorrelation at one lag: `Σ (x_i − x̄)(x_{i+lag} − x̄) / Σ (x_i − x̄)²`.
///
/// - Returns: `nil` iff `lag` is outside 0 ..< n, a value is not finite, or all are equal.
/// - Source: Box and Jenkins; `numpy.correlate` of the centred values.
public func autocorrelation(_ values: [Double], lag: Int) -> Double? {
  guard lag >= 0, lag < values.count, values.allSatisfy(\.isFinite) else { return nil }
  let mean = values.reduce(0, +) / Double(values.count)
  let centred = values.map { $0 - mean }
  let whole = centred.reduce(0) { $0 + $1 * $1 }
  guard whole > 0, values.contains(where: { $0 != values[0] }) else { return nil }
  var sum = 0.0
  for index in 0..<(values.count - lag) { sum += centred[index] * centred[index + lag] }
  return sum / whole
}

/// How many independent values the series is worth: `n / (1 + 2·Σ ρ_k)` over Geyer's initial
/// positive sequence (pairs ρ_2t + ρ_2t+1 as long as they are above 0), at most n.
///
/// - Returns: `nil` iff fewer than 4 values, one not finite, or all equal.
/// - Source: Geyer (1992), §3.3.
public func effectiveSampleSize(_ values: [Double]) -> Double? {
  guard values.count >= 4, autocorrelation(values, lag: 0) != nil else { return nil }
  var sum = 0.0
  var lag = 0
  while lag + 1 < values.count, let even = autocorrelation(values, lag: lag),
    let odd = autocorrelation(values, lag: lag + 1), even + odd > 0
  {
    sum += even + odd
    lag += 2
  }
  // The sequence begins with ρ_0 = 1, so 1 + 2·Σ_{k≥1} = 2·Σ_{k≥0} − 1.
  return min(Double(values.count), Double(values.count) / max(1e-12, 2 * sum - 1))
}
