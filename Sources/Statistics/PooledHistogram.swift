/// Counts of values in buckets `[low, low + width)`, pooled over any number of samples.
///
/// Pooling histograms adds their counts; percentiles are read from the sum.  (Percentiles of
/// samples must not be averaged.)
public struct PooledHistogram: Equatable, Sendable {
  private var buckets: [UInt64: (width: UInt64, count: UInt64)] = [:]
  /// Values recorded.
  public private(set) var count: UInt64 = 0

  public init() {}

  /// Adds `count` values of one bucket.  A width of 0 and a count of 0 are ignored: such a bucket
  /// holds nothing.
  public mutating func add(low: UInt64, width: UInt64, count added: UInt64) {
    guard width > 0, added > 0 else { return }
    let old = buckets[low]
    buckets[low] = (max(width, old?.width ?? 0), (old?.count ?? 0) &+ added)
    count &+= added
  }

  /// The value at `p`: the highest value of the first bucket at which the cumulated count reaches
  /// `⌈p · count⌉`, and at least 1.
  ///
  /// - Parameter p: 0…1.
  /// - Returns: `nil` iff nothing was recorded or `p` is outside 0…1 or NaN.
  /// - Source: HdrHistogram's `getValueAtPercentile`.
  public func value(at p: Double) -> UInt64? {
    guard count > 0, p >= 0, p <= 1 else { return nil }
    let wanted = max(1, UInt64((p * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for (low, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
      seen += bucket.count
      if seen >= wanted { return low + bucket.width - 1 }
    }
    return nil
  }

  /// The highest value recorded, to the bucket; `nil` iff nothing was recorded.
  public var maximum: UInt64? { value(at: 1) }

  public static func == (a: PooledHistogram, b: PooledHistogram) -> Bool {
    a.count == b.count && a.buckets.count == b.buckets.count
      && a.buckets.allSatisfy {
        b.buckets[$0.key].map { ($0.width, $0.count) } ?? (0, 0) == $0.value
      }
  }
}
