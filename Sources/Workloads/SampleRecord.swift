public import CRecords
import Glibc

/// What a sample gives back: status, reason, metrics and the handler's latency histogram.
public struct SampleRecord {
  public private(set) var status: nl_status = NL_OK
  public private(set) var reason = ""
  public private(set) var metrics: [nl_metric] = []
  private var buckets: [nl_bucket] = []
  /// Buckets of the two histograms behind the first.
  private var intended: [nl_bucket] = []
  private var inside: [nl_bucket] = []

  init() {}

  /// A record without a measurement.
  init(_ status: nl_status, _ reason: String) {
    self.status = status
    self.reason = reason
  }

  /// The sample is not a result.  The metrics stay, to look for the cause.
  mutating func fail(_ reason: String) {
    guard status == NL_OK else { return }
    status = NL_FAILED
    self.reason = reason
  }

  /// `name` has at most 47 bytes; longer ones are cut.
  mutating func add(
    _ name: String, _ value: UInt64, _ source: nl_source = NL_SRC_COUNT, error: UInt32 = 0
  ) {
    var metric = nl_metric()
    unsafe copy(
      name, to: nl_metric_name(&metric), capacity: MemoryLayout.size(ofValue: metric.name))
    metric.value = value
    metric.source = source.rawValue
    metric.error = error
    metrics.append(metric)
  }

  /// Histograms of the handlers' calls, and of the time to a handler's end from the intended instant
  /// and from its start.
  mutating func add(_ calls: [UInt64], intended: [UInt64], inside: [UInt64]) {
    buckets = Self.filled(calls)
    self.intended = Self.filled(intended)
    self.inside = Self.filled(inside)
  }

  private static func filled(_ histogram: [UInt64]) -> [nl_bucket] {
    var buckets: [nl_bucket] = []
    for (index, count) in histogram.enumerated() where count != 0 {
      let (low, width) = LatencyHistogram.range(index)
      buckets.append(nl_bucket(low_ns: low, width_ns: width, count: count))
    }
    return buckets
  }

  /// Writes the whole record to `file`.  false with errno if that failed.
  public func write(to file: Int32) -> Bool {
    var header = nl_sample_header()
    header.abi = NL_RECORDS_ABI
    header.size = UInt32(MemoryLayout<nl_sample_header>.size)
    header.status = status.rawValue
    header.metric_count = UInt32(metrics.count)
    header.bucket_count = UInt32(buckets.count)
    header.intended_count = UInt32(intended.count)
    header.inside_count = UInt32(inside.count)
    unsafe copy(
      reason, to: nl_header_reason(&header), capacity: MemoryLayout.size(ofValue: header.reason))
    var bytes: [UInt8] = []
    unsafe withUnsafeBytes(of: header) { unsafe bytes.append(contentsOf: $0) }
    unsafe metrics.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    for part in [buckets, intended, inside] {
      unsafe part.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
    return unsafe bytes.withUnsafeBytes { all in
      var written = 0
      while written < all.count {
        let count = unsafe Glibc.write(file, all.baseAddress! + written, all.count - written)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { return false }
        written += count
      }
      return true
    }
  }
}

/// Copies `text` with its NUL; cut at a character boundary if it is too long.
private func copy(_ text: String, to target: UnsafeMutablePointer<CChar>?, capacity: Int) {
  guard let target = unsafe target else { return }
  var length = 0
  for character in text {
    let bytes = character.utf8
    guard length + bytes.count < capacity else { break }
    for byte in bytes {
      unsafe target[length] = CChar(bitPattern: byte)
      length += 1
    }
  }
  unsafe target[length] = 0
}
