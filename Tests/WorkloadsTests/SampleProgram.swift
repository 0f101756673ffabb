import CRecords
import Foundation

/// The real `nolock-sample`, beside this test bundle.
enum SampleProgram {
  static let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("nolock-sample").path

  struct Run {
    let exitCode: Int32
    let output: Data
    let errors: String
  }

  /// Runs it with `input` on standard input.
  static func run(_ arguments: [String] = [], input: Data = Data()) throws -> Run {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ["GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=65536"]
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stderr
    try process.run()
    try? stdin.fileHandleForWriting.write(contentsOf: input)
    try? stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    let errors = stderr.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return Run(
      exitCode: process.terminationStatus, output: output,
      errors: String(decoding: errors, as: UTF8.self))
  }

  /// Names of the subjects that this machine has, as the program itself says.
  static let available: Set<String> = {
    guard let run = try? run(["--subjects"]) else { return [] }
    let lines = String(decoding: run.output, as: UTF8.self).split(separator: "\n")
    return Set(
      lines.map { $0.split(separator: "\t").map(String.init) }
        .filter { $0.count > 1 && $0[1] == "available" }.map { $0[0] })
  }()
}

/// A record as the parent sees it.
struct Sample {
  let status: nl_status
  let reason: String
  let metrics: [String: UInt64]
  /// errno of what perf refused, by the metric's name.
  let errors: [String: UInt32]
  let buckets: [nl_bucket]
  /// To a handler's end: from the intended instant of its arrival, and from its start.
  let intended: [nl_bucket]
  let inside: [nl_bucket]

  subscript(name: String) -> UInt64? { metrics[name] }

  /// nil if the bytes are not exactly one record.
  init?(_ data: Data) {
    let headerSize = MemoryLayout<nl_sample_header>.size
    guard data.count >= headerSize else { return nil }
    var header = nl_sample_header()
    _ = unsafe withUnsafeMutableBytes(of: &header) {
      unsafe data.copyBytes(to: $0, count: headerSize)
    }
    let metricCount = Int(header.metric_count)
    let counts = [header.bucket_count, header.intended_count, header.inside_count].map { Int($0) }
    let bucketCount = counts.reduce(0, +)
    let metricSize = MemoryLayout<nl_metric>.stride
    let bucketSize = MemoryLayout<nl_bucket>.stride
    guard header.abi == NL_RECORDS_ABI, Int(header.size) == headerSize,
      data.count == headerSize + metricCount * metricSize + bucketCount * bucketSize
    else { return nil }
    status = nl_status(rawValue: header.status)
    reason = unsafe String(cString: nl_header_reason(&header))
    var metrics: [String: UInt64] = [:]
    var errors: [String: UInt32] = [:]
    for index in 0..<metricCount {
      var metric = nl_metric()
      let start = headerSize + index * metricSize
      _ = unsafe withUnsafeMutableBytes(of: &metric) {
        unsafe data.copyBytes(to: $0, from: start..<start + metricSize)
      }
      let name = unsafe String(cString: nl_metric_name(&metric))
      metrics[name] = metric.value
      if metric.error != 0 { errors[name] = metric.error }
    }
    self.metrics = metrics
    self.errors = errors
    let all = (0..<bucketCount).map { index in
      var bucket = nl_bucket()
      let start = headerSize + metricCount * metricSize + index * bucketSize
      _ = unsafe withUnsafeMutableBytes(of: &bucket) {
        unsafe data.copyBytes(to: $0, from: start..<start + bucketSize)
      }
      return bucket
    }
    buckets = Array(all[..<counts[0]])
    intended = Array(all[counts[0]..<counts[0] + counts[1]])
    inside = Array(all[(counts[0] + counts[1])...])
  }
}

/// A plan entry that runs `iterations` pairs of 64 bytes; a test changes what it is about.
func entry(
  _ subject: String, _ workload: nl_workload, iterations: UInt64 = 1000,
  _ change: (inout nl_plan_entry) -> Void = { _ in }
) -> nl_plan_entry {
  var entry = nl_plan_entry()
  entry.abi = NL_RECORDS_ABI
  entry.size = UInt32(MemoryLayout<nl_plan_entry>.size)
  set(&entry.subject, subject)
  entry.workload = workload.rawValue
  entry.foreground = NL_PAIR.rawValue
  entry.threads = 1
  entry.batch = 100
  entry.live = 16
  entry.irq_rate = 10_000
  entry.iterations = iterations
  entry.seed = 42
  entry.mix_count = 1
  entry.mix.0 = 64
  entry.handler_mix_count = 4
  (entry.handler_mix.0, entry.handler_mix.1) = (16, 64)
  (entry.handler_mix.2, entry.handler_mix.3) = (96, 1000)
  change(&entry)
  return entry
}

/// Copies a string and the byte that ends it into a C array.
func set<T>(_ array: inout T, _ text: String, end: UInt8 = 0) {
  unsafe withUnsafeMutableBytes(of: &array) { unsafe $0.copyBytes(from: Array(text.utf8) + [end]) }
}

func bytes(_ entry: nl_plan_entry) -> Data {
  unsafe withUnsafeBytes(of: entry) { unsafe Data($0) }
}

struct NoRecord: Error { let run: SampleProgram.Run }

/// Runs the cell and returns its record; throws if there is none.
func sample(_ entry: nl_plan_entry) throws -> Sample {
  let run = try SampleProgram.run(input: bytes(entry))
  guard run.exitCode == 0, let sample = Sample(run.output) else { throw NoRecord(run: run) }
  return sample
}
