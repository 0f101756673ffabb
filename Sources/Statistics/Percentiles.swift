/// Quantiles of a sample by linear interpolation between order statistics.

/// The median: the middle value, or the mean of the two middle ones.
///
/// - Returns: `nil` iff `values` is empty or holds a value that is not finite.
/// - Source: `numpy.median`.
public func median(_ values: [Double]) -> Double? {
  quantile(values, 0.5)
}

/// The `p`-quantile by definition 7 of Hyndman and Fan (1996): with `h = (n − 1)·p`,
/// `x[⌊h⌋] + (h − ⌊h⌋)·(x[⌊h⌋ + 1] − x[⌊h⌋])` of the sorted values.
///
/// - Parameter p: 0…1.
/// - Returns: `nil` iff `values` is empty, holds a value that is not finite, or `p` is outside
///   0…1 or NaN.
/// - Source: `numpy.percentile(values, 100·p)`, its default method "linear".
public func quantile(_ values: [Double], _ p: Double) -> Double? {
  guard !values.isEmpty, p >= 0, p <= 1, values.allSatisfy(\.isFinite) else { return nil }
  let sorted = values.sorted()
  let h = Double(sorted.count - 1) * p
  let below = Int(h)
  guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
  return sorted[below] + (h - Double(below)) * (sorted[below + 1] - sorted[below])
}
