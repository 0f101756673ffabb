import CRecords
import Foundation
import Testing

@testable import Measurement

@Suite("Samples on record")
struct SampleTests {
  private func folder(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/samples-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test("records come back as written, null is written, a torn last line is dropped and cut off")
  func log() throws {
    try folder { path in
      let arm = try testPlan().comparisons[0].arms[0]
      let first = testSample(arm, block: 0, latency: [Bucket(low: 1, width: 2, count: 3)])
      try SampleLog(directory: path).append(first)
      let file = URL(fileURLWithPath: path + "/samples.jsonl")
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.contains("\"reason\":null") && text.contains("\"signal\":null"))
      #expect(text.contains("\"handler_latency_ns\":[[1,2,3]]"))
      try (text + text.dropLast(9)).write(to: file, atomically: true, encoding: .utf8)
      #expect(try SampleLog.read(directory: path) == [first])
      let second = testSample(arm, block: 1, status: .failed)
      try SampleLog(directory: path).append(second)
      #expect(try SampleLog.read(directory: path) == [first, second])
    }
  }

  @Test("a whole line that is no record is an error with its line")
  func garbage() throws {
    try folder { path in
      try Data("{}\n".utf8).write(to: URL(fileURLWithPath: path + "/samples.jsonl"))
      #expect(throws: Failure.self) { try SampleLog.read(directory: path) }
    }
  }

  /// Bytes of a record with one metric and one bucket.
  private func bytes(_ change: (inout nl_sample_header) -> Void = { _ in }) -> [UInt8] {
    var header = nl_sample_header()
    header.abi = NL_RECORDS_ABI
    header.size = UInt32(MemoryLayout<nl_sample_header>.size)
    header.metric_count = 1
    header.bucket_count = 1
    change(&header)
    var metric = nl_metric()
    metric.name.0 = 0x78
    metric.value = 42
    metric.source = NL_SRC_TSC.rawValue
    var bucket = nl_bucket(low_ns: 1, width_ns: 2, count: 3)
    return unsafe withUnsafeBytes(of: &header) { unsafe Array($0) }
      + withUnsafeBytes(of: &metric) { unsafe Array($0) }
      + withUnsafeBytes(of: &bucket) { unsafe Array($0) }
  }

  @Test("a record is read field by field")
  func decode() throws {
    let record = try SampleRecord.decode(bytes())
    #expect(record.status == .ok)
    #expect(record.metrics == [Metric(name: "x", value: 42, source: .tsc)])
    #expect(record.buckets == [Bucket(low: 1, width: 2, count: 3)])
    // The bucket belongs to the histogram that the header says.
    let intended = try SampleRecord.decode(bytes { ($0.bucket_count, $0.intended_count) = (0, 1) })
    #expect(intended.buckets.isEmpty && intended.intended.count == 1)
    let inside = try SampleRecord.decode(bytes { ($0.bucket_count, $0.inside_count) = (0, 1) })
    #expect(inside.intended.isEmpty && inside.inside.count == 1)
  }

  @Test("every cut is torn; another build and garbage are named")
  func broken() {
    let whole = bytes()
    for length in 0..<whole.count {
      #expect(throws: RecordError.self) { try SampleRecord.decode(Array(whole.prefix(length))) }
    }
    #expect(throws: RecordError.self) { try SampleRecord.decode(whole + [0]) }
    let changes: [(inout nl_sample_header) -> Void] = [
      { $0.abi = 9 }, { $0.size = 1 }, { $0.status = 3 }, { $0.metric_count = .max },
      { $0.bucket_count = .max }, { $0.intended_count = .max }, { $0.inside_count = 1 },
    ]
    for change in changes {
      #expect(throws: RecordError.self) { try SampleRecord.decode(bytes(change)) }
    }
  }

  @Test("the machine's facts are values or reasons, never both, never neither")
  func fingerprint() {
    let facts = Fingerprint.machineFacts()
    #expect(facts["kernel"]?.value != nil)
    #expect(facts["glibc"]?.value?.hasPrefix("glibc ") == true)
    #expect(facts.values.allSatisfy { ($0.value == nil) != ($0.reason == nil) })
    #expect(Fingerprint.sha256("/no/such/file").value == nil)
    #expect(
      Fingerprint.sha256("/dev/null").value?.hasPrefix("e3b0c44298fc1c149afbf4c8996fb924") == true)
  }
}
