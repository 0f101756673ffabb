import CRecords

/// Counts of nanoseconds in log-linear buckets, 32 to each doubling: a bucket is at most 3.2 % wide.
/// Preallocated; recording is a few instructions and async-signal-safe.
@safe struct LatencyHistogram {
  /// Values from 2^40 ns (18 minutes) on go into the last bucket.
  static let bucketCount = 36 * 32 + 1
  let counts: UnsafeMutablePointer<UInt64>

  init() { unsafe counts = unsafe mapped(UInt64.self, count: Self.bucketCount) }

  @inline(__always)
  static func index(_ value: UInt64) -> Int {
    if value < 64 { return Int(truncatingIfNeeded: value) }
    let exponent = 63 &- value.leadingZeroBitCount
    if exponent >= 40 { return bucketCount &- 1 }
    // The top six bits: 32…63, so each doubling takes 32 buckets and follows the one before.
    let shift = exponent &- 5
    return shift &* 32 &+ Int(truncatingIfNeeded: value &>> UInt64(shift))
  }

  /// The values that `index` stands for.
  static func range(_ index: Int) -> (low: UInt64, width: UInt64) {
    if index < 64 { return (UInt64(index), 1) }
    let shift = UInt64(index / 32 - 1)
    return (UInt64(index % 32 + 32) << shift, 1 << shift)
  }

  @inline(__always)
  func record(_ value: UInt64) { unsafe counts[Self.index(value)] &+= 1 }

  func clear() { unsafe counts.update(repeating: 0, count: Self.bucketCount) }
}
