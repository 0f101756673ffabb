import Statistics
import Traces

/// One metric of one cell over its valid blocks.
public struct Summary: Codable, Equatable, Sendable {
  public var metric: String
  public var unit: String
  public var source: Source
  /// `lower`, `higher`, or null where neither is better.
  @Explicit public var better: String?
  /// Valid samples.
  public var n: Int
  @Explicit public var median: Double?
  /// Order-statistic interval of the median.
  @Explicit public var low: Double?
  @Explicit public var high: Double?
  /// Its exact coverage.
  @Explicit public var coverage: Double?
  @Explicit public var p0: Double?
  @Explicit public var p25: Double?
  @Explicit public var p75: Double?
  @Explicit public var p90: Double?
  @Explicit public var p100: Double?
  /// Why a value above is null; null iff none is (`better` apart).
  @Explicit public var reason: String?
  /// Perf counters only: the least share of its time that a sample counted the event; below 1 the
  /// values are scaled.
  public var runningShare: Double?
  /// Perf counters only: what the values must be read with, such as AMD's over-count.
  public var note: String?

  enum CodingKeys: String, CodingKey {
    case metric, unit, source, better, n, median, low, high, coverage, p0, p25, p75, p90, p100
    case reason, note
    case runningShare = "running_share"
  }

  /// Coverage that intervals have at least.
  public static let confidence = 0.95

  /// - Parameter reason: why there are no values, where there are none.
  init(
    _ metric: String, unit: String, source: Source, lowerIsBetter: Bool?, values: [Double],
    reason why: String?
  ) {
    self.metric = metric
    self.unit = unit
    self.source = source
    better = lowerIsBetter.map { $0 ? "lower" : "higher" }
    n = values.count
    median = Statistics.median(values)
    let interval = MedianInterval(values, confidence: Self.confidence)
    low = interval?.low
    high = interval?.high
    coverage = interval?.coverage
    p0 = quantile(values, 0)
    p25 = quantile(values, 0.25)
    p75 = quantile(values, 0.75)
    p90 = quantile(values, 0.9)
    p100 = quantile(values, 1)
    if values.isEmpty {
      reason = why ?? "no valid sample"
    } else if interval == nil {
      let fewest = MedianInterval.fewestValues(confidence: Self.confidence) ?? 0
      reason = "\(values.count) samples; a 95 % interval of the median takes \(fewest)"
    } else {
      reason = nil
    }
  }
}

/// A cell against another one, by the blocks that both have.
public struct Ratio: Codable, Equatable, Sendable {
  /// The metric compared.
  public var metric: String
  /// The other cell's subject, or its id where the subject is the same.
  public var base: String
  /// What was taken off both sides first: the `null` subject, or null.
  @Explicit public var net: String?
  public var n: Int
  /// Median of the per-block log-ratios, as a ratio; below 1 = less than the base.
  @Explicit public var median: Double?
  @Explicit public var low: Double?
  @Explicit public var high: Double?
  @Explicit public var coverage: Double?
  @Explicit public var reason: String?

  init(
    metric: String, base: String, net: String? = nil, arm: [Double], base values: [Double],
    why: String? = nil
  ) {
    self.metric = metric
    self.base = base
    self.net = net
    n = min(arm.count, values.count)
    let ratio = PairedRatio(arm: arm, base: values, confidence: Summary.confidence)
    median = ratio?.median
    low = ratio?.low
    high = ratio?.high
    coverage = ratio?.coverage
    reason =
      if let why { why } else if arm.isEmpty {
        "no block that both have"
      } else if ratio == nil {
        net == nil ? "a value is not above 0" : "not above the cost of \(net ?? "") in every block"
      } else if ratio?.low == nil {
        "\(arm.count) blocks: too few for an interval"
      } else { nil }
  }
}
