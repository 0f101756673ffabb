import CRecords
import Glibc

/// A compact trace, memory-mapped.  Stays mapped until the process ends.
@safe struct TraceFile {
  let cpuCount: Int
  let allocationCount: Int
  let eventCount: Int
  /// What the header says; `ReplaySchedule` checks it against the events.
  let remoteFrees: UInt64
  /// Where each CPU's events start, and how many there are.
  let streams: [(start: UnsafePointer<UInt64>, count: Int)]

  /// Maps `path` and checks that the header describes it.
  init(path: String) throws(TraceError) {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw TraceError(path, errorText(errno)) }
    defer { close(file) }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw TraceError(path, errorText(errno)) }
    let bytes = Int(status.st_size)
    let headerBytes = MemoryLayout<nl_trace_header>.size
    guard bytes >= headerBytes else {
      throw TraceError(path, "\(bytes) bytes, the header alone has \(headerBytes)")
    }
    let memory = unsafe mmap(nil, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0)
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
      throw TraceError(path, errorText(errno))
    }
    let header = unsafe memory.assumingMemoryBound(to: nl_trace_header.self)
    guard unsafe header.pointee.magic == NL_TRACE_MAGIC,
      unsafe Int(header.pointee.header_bytes) == headerBytes
    else { throw TraceError(path, "not a compact trace of this version") }
    cpuCount = unsafe Int(header.pointee.cpu_count)
    guard (1...Int(NL_TRACE_MAX_CPUS)).contains(cpuCount) else {
      throw TraceError(path, "cpu_count is \(cpuCount), allowed: 1…\(NL_TRACE_MAX_CPUS)")
    }
    let allocations = unsafe header.pointee.allocation_count
    let events = unsafe header.pointee.event_count
    guard events == UInt64((bytes - headerBytes) / 8), (bytes - headerBytes) % 8 == 0,
      allocations <= events
    else {
      throw TraceError(
        path, "\(events) events and \(allocations) allocations do not fit \(bytes) bytes")
    }
    allocationCount = Int(allocations)
    eventCount = Int(events)
    remoteFrees = unsafe header.pointee.remote_frees
    let counts = unsafe nl_trace_stream_events(header)!
    var next = unsafe UnsafePointer(
      (memory + headerBytes).assumingMemoryBound(to: UInt64.self))
    var left = eventCount
    var streams: [(start: UnsafePointer<UInt64>, count: Int)] = unsafe []
    for cpu in 0..<cpuCount {
      let count = unsafe counts[cpu]
      guard count <= UInt64(left) else {
        throw TraceError(path, "the streams hold more than \(events) events")
      }
      unsafe streams.append((next, Int(count)))
      unsafe next += Int(count)
      left -= Int(count)
    }
    guard left == 0 else { throw TraceError(path, "\(left) events belong to no stream") }
    unsafe self.streams = unsafe streams
  }
}

/// A trace that cannot be replayed, and why.
struct TraceError: Error {
  let text: String
  init(_ path: String, _ text: String) { self.text = "\(path): \(text)" }
}
