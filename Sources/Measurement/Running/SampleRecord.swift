import CRecords

/// One value of a sample, with its unit in its name (`wall_ns`) and where it comes from.
public struct Metric: Codable, Equatable, Sendable {
  public var name: String
  public var value: UInt64
  public var source: Source

  public init(name: String, value: UInt64, source: Source) {
    self.name = name
    self.value = value
    self.source = source
  }
}

/// A non-empty bucket of the handler's latency histogram: values in [low, low + width) ns.
public struct Bucket: Codable, Equatable, Sendable {
  public var low: UInt64
  public var width: UInt64
  public var count: UInt64

  /// An array of three in JSON: there are many.
  public init(from decoder: any Decoder) throws {
    var values = try decoder.unkeyedContainer()
    low = try values.decode(UInt64.self)
    width = try values.decode(UInt64.self)
    count = try values.decode(UInt64.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.unkeyedContainer()
    try values.encode(low)
    try values.encode(width)
    try values.encode(count)
  }

  public init(low: UInt64, width: UInt64, count: UInt64) {
    self.low = low
    self.width = width
    self.count = count
  }
}

/// How a sample ended.
public enum Status: String, Codable, Sendable { case ok, skipped, failed }

/// What a sample process wrote.
struct SampleRecord: Equatable {
  var status: Status
  var reason: String
  var metrics: [Metric]
  /// Histograms of the handlers' calls, and to a handler's end from its intended instant and from
  /// its start.
  var buckets: [Bucket]
  var intended: [Bucket] = []
  var inside: [Bucket] = []
  /// errno by the metric's name, where perf refused it.
  var errors: [String: Int32] = [:]

  /// More metrics or buckets than any sample has: the count is garbage.
  static let mostItems: UInt32 = 1 << 20

  /// Reads a record.
  ///
  /// - Throws: a text that says what is wrong with the bytes; a program that is of another build,
  ///   or no sample program at all, is told from a record cut short.
  static func decode(_ bytes: [UInt8]) throws(RecordError) -> SampleRecord {
    let headerSize = MemoryLayout<nl_sample_header>.size
    guard bytes.count >= headerSize else {
      throw RecordError(
        text: bytes.isEmpty
          ? "no record" : "torn record: \(bytes.count) bytes, a header has \(headerSize)")
    }
    let header = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: nl_sample_header.self) }
    guard header.abi == NL_RECORDS_ABI, header.size == UInt32(headerSize) else {
      throw RecordError(
        text: "not a record of this build: abi \(header.abi), size \(header.size); "
          + "expected \(NL_RECORDS_ABI), \(headerSize)")
    }
    let metricSize = MemoryLayout<nl_metric>.size
    let bucketSize = MemoryLayout<nl_bucket>.size
    guard header.metric_count <= mostItems, header.bucket_count <= mostItems,
      header.intended_count <= mostItems, header.inside_count <= mostItems
    else {
      throw RecordError(text: "garbage record: \(header.metric_count) metrics")
    }
    let bucketsAt = headerSize + Int(header.metric_count) * metricSize
    let counts = [header.bucket_count, header.intended_count, header.inside_count].map { Int($0) }
    let expected = bucketsAt + counts.reduce(0, +) * bucketSize
    guard bytes.count == expected else {
      throw RecordError(text: "torn record: \(bytes.count) bytes of \(expected)")
    }
    let status: Status
    switch header.status {
    case NL_OK.rawValue: status = .ok
    case NL_SKIPPED.rawValue: status = .skipped
    case NL_FAILED.rawValue: status = .failed
    default: throw RecordError(text: "garbage record: status \(header.status)")
    }
    var record = SampleRecord(status: status, reason: "", metrics: [], buckets: [])
    if let at = MemoryLayout<nl_sample_header>.offset(of: \.reason) {
      record.reason = text(bytes[at..<min(at + 512, headerSize)])
    }
    for index in 0..<Int(header.metric_count) {
      let at = headerSize + index * metricSize
      let metric = unsafe bytes.withUnsafeBytes {
        unsafe $0.loadUnaligned(fromByteOffset: at, as: nl_metric.self)
      }
      let name = text(bytes[at..<at + 48])
      guard let source = Source(recordValue: metric.source), !name.isEmpty else {
        throw RecordError(
          text: "garbage record: metric \(index) '\(name)', source \(metric.source)")
      }
      record.metrics.append(Metric(name: name, value: metric.value, source: source))
      if metric.error != 0 { record.errors[name] = Int32(truncatingIfNeeded: metric.error) }
    }
    let all = (0..<counts.reduce(0, +)).map { index in
      let bucket = unsafe bytes.withUnsafeBytes {
        unsafe $0.loadUnaligned(fromByteOffset: bucketsAt + index * bucketSize, as: nl_bucket.self)
      }
      return Bucket(low: bucket.low_ns, width: bucket.width_ns, count: bucket.count)
    }
    record.buckets = Array(all[..<counts[0]])
    record.intended = Array(all[counts[0]..<counts[0] + counts[1]])
    record.inside = Array(all[(counts[0] + counts[1])...])
    return record
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}

/// Why bytes are not a record, or cannot be read.
struct RecordError: Error, Equatable { let text: String }
