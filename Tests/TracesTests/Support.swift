import Foundation
import Testing

@testable import Traces

/// A folder of its own, removed at the end.
final class Scratch {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/traces-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes `text` and returns the file's path.
  func file(_ name: String, _ text: String) throws -> String {
    try bytes(name, Array(text.utf8))
  }

  func bytes(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = self / name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  func gzip(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = self / name
    try FileReplacement.write(to: file, compressed: true) { try $0.append(bytes) }
    return file
  }

  static func / (scratch: Scratch, name: String) -> String { scratch.path + "/" + name }
}

func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// The error of reading `text` as a trace file.
func problem(_ text: String) throws -> TraceError? {
  let scratch = try Scratch()
  let path = try scratch.file("t", text)
  return #expect(throws: TraceError.self) { try TraceFile.read(path) }
}

/// Reads `text` as a trace file.
func parsed(_ text: String) throws -> Trace {
  let scratch = try Scratch()
  return try TraceFile.read(scratch.file("t", text))
}

/// What one line says.
func classified(_ text: String) -> TraceLine {
  let bytes = Array(text.utf8)
  return unsafe bytes.withUnsafeBufferPointer {
    $0.isEmpty ? .comment : unsafe TraceLine(Bytes($0.baseAddress!, count: $0.count))
  }
}

func record(_ text: String) -> TraceLine.Record? {
  if case .record(let record) = classified(text) { record } else { nil }
}

/// A perf line; time in µs.
func perf(_ event: String, cpu: Int, at time: Int, _ fields: String, task: String = "cat 7")
  -> String
{
  let cpu = String(repeating: "0", count: 3 - "\(cpu)".count) + "\(cpu)"
  let fraction = String("\(1_000_000 + time % 1_000_000)".dropFirst())
  return
    "\(task) [\(cpu)] \(10 + time / 1_000_000).\(fraction):"
    + " kmem:\(event): call_site=f+0x1 \(fields)\n"
}

func alloc(_ pointer: String, _ size: Int, cpu: Int = 0, at time: Int, flags: String = "GFP_KERNEL")
  -> String
{
  perf(
    "kmalloc", cpu: cpu, at: time,
    "ptr=\(pointer) bytes_req=\(size) bytes_alloc=\(size) gfp_flags=\(flags) node=-1"
      + " accounted=false"
  )
}

func free(_ pointer: String, cpu: Int = 0, at time: Int) -> String {
  perf("kfree", cpu: cpu, at: time, "ptr=\(pointer)")
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
