import CRecords
import Foundation

/// A compact trace written by hand.
struct TestTrace {
  var streams: [[UInt64]]
  var allocations: UInt64
  var remoteFrees: UInt64

  static func alloc(
    _ id: UInt64, _ size: UInt64, zero: Bool = false, account: Bool = false,
    _ context: nl_trace_context = NL_TRACE_TASK
  ) -> UInt64 {
    id | size << 32 | (zero ? 1 << 58 : 0) | (account ? 1 << 59 : 0)
      | UInt64(context.rawValue) << 60
  }

  static func free(
    _ id: UInt64, remote: Bool, _ context: nl_trace_context = NL_TRACE_TASK
  ) -> UInt64 {
    id | (remote ? 2 : 1) << 56 | UInt64(context.rawValue) << 60
  }

  /// Writes it to a temporary file and passes its path.
  func withFile<T>(_ body: (String) throws -> T) throws -> T {
    var header = nl_trace_header()
    header.magic = NL_TRACE_MAGIC
    header.header_bytes = UInt32(MemoryLayout<nl_trace_header>.size)
    header.cpu_count = UInt32(streams.count)
    header.allocation_count = allocations
    header.event_count = UInt64(streams.map(\.count).reduce(0, +))
    header.remote_frees = remoteFrees
    unsafe withUnsafeMutableBytes(of: &header.stream_events) { counts in
      for (index, stream) in streams.enumerated() {
        unsafe counts.storeBytes(
          of: UInt64(stream.count), toByteOffset: index * 8, as: UInt64.self)
      }
    }
    var data = unsafe withUnsafeBytes(of: header) { unsafe Data($0) }
    for stream in streams { unsafe stream.withUnsafeBytes { unsafe data.append(contentsOf: $0) } }
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("nolock-\(UUID().uuidString).trace")
    try data.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try body(file.path)
  }

  /// Two CPUs; each allocates 100 objects, frees every second one of its own and every fourth of
  /// the other's: 50 remote frees, and 50 objects are never freed.  One allocation has size 0.
  static let crossing: TestTrace = {
    var streams: [[UInt64]] = [[], []]
    var frees = 0
    for round in 0..<100 {
      for cpu in 0..<2 {
        let id = UInt64(round * 2 + cpu)
        streams[cpu].append(
          alloc(id, round == 0 ? 0 : UInt64(8 * round), zero: round % 3 == 0, account: true))
        if round % 2 == 0 { streams[cpu].append(free(id, remote: false)) }
      }
      if round % 4 == 1 {
        for cpu in 0..<2 {
          streams[cpu].append(free(UInt64(round * 2 + 1 - cpu), remote: true))
          frees += 1
        }
      }
    }
    return TestTrace(streams: streams, allocations: 200, remoteFrees: UInt64(frees))
  }()
}
