/// The percentile bootstrap of the median.
///
/// For summaries only: it is anticonservative for few values and no interval here decides by it.
public struct BootstrapInterval: Equatable, Sendable {
  public let low: Double
  public let high: Double

  /// Quantiles (1 − confidence)/2 and (1 + confidence)/2 of the medians of resamples, drawn with
  /// replacement; linear between order statistics.
  ///
  /// - Returns: `nil` iff `values` is empty or holds one that is not finite, `resamples` is not
  ///   above 0, or `confidence` is outside 0 < confidence < 1.  One value gives a point.
  /// - Source: Efron (1979); `scipy.stats.bootstrap(…, numpy.median, method="percentile")`.
  public init?(medianOf values: [Double], resamples: Int, confidence: Double, seed: UInt64) {
    guard !values.isEmpty, values.allSatisfy(\.isFinite), resamples > 0, confidence > 0,
      confidence < 1
    else { return nil }
    var generator = Resampler(seed: seed)
    var medians: [Double] = []
    for _ in 0..<resamples {
      let drawn = values.indices.map { _ in
        values[Int.random(in: 0..<values.count, using: &generator)]
      }
      guard let middle = median(drawn) else { return nil }
      medians.append(middle)
    }
    guard let low = quantile(medians, (1 - confidence) / 2),
      let high = quantile(medians, (1 + confidence) / 2)
    else { return nil }
    self.low = low
    self.high = high
  }
}
