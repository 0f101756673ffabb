import CRecords

/// `struct nl_trace_header` to bytes and back.
struct CompactHeader {
  static let size = MemoryLayout<nl_trace_header>.size
  static let magicBytes = unsafe withUnsafeBytes(of: NL_TRACE_MAGIC.littleEndian) {
    unsafe Array($0)
  }

  var raw = nl_trace_header()

  /// - Precondition: at most 256 streams.
  init(_ trace: Trace) {
    let tally = trace.tally
    raw.magic = NL_TRACE_MAGIC
    raw.header_bytes = UInt32(Self.size)
    raw.cpu_count = UInt32(trace.streams.count)
    raw.allocation_count = tally.allocations
    raw.event_count = UInt64(trace.eventCount)
    raw.remote_frees = tally.remoteFrees
    raw.local_frees = tally.localFrees
    raw.live_at_end = tally.live
    raw.null_frees = trace.counts.nullFrees
    raw.unknown_frees = trace.counts.unknownFrees
    raw.garbage_lines = trace.counts.garbageLines
    raw.duration_ns = trace.counts.durationNanoseconds
    unsafe withUnsafeMutableBytes(of: &raw.stream_events) { table in
      for (cpu, stream) in trace.streams.enumerated() {
        unsafe table.storeBytes(of: UInt64(stream.count), toByteOffset: 8 * cpu, as: UInt64.self)
      }
    }
  }

  /// - Precondition: at least `size` bytes.
  init(bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count >= Self.size)
    unsafe withUnsafeMutableBytes(of: &raw) { target in
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<Self.size]))
    }
  }

  var bytes: [UInt8] { unsafe withUnsafeBytes(of: raw) { unsafe Array($0) } }

  func events(ofCPU cpu: Int) -> UInt64 {
    precondition(cpu < Int(NL_TRACE_MAX_CPUS))
    return unsafe withUnsafeBytes(of: raw.stream_events) {
      unsafe $0.load(fromByteOffset: 8 * cpu, as: UInt64.self)
    }
  }

  /// The counts that this form keeps.
  var counts: TraceCounts {
    var counts = TraceCounts()
    counts.durationNanoseconds = raw.duration_ns
    counts.nullFrees = raw.null_frees
    counts.unknownFrees = raw.unknown_frees
    counts.garbageLines = raw.garbage_lines
    return counts
  }

  static func offset(of field: PartialKeyPath<nl_trace_header>) -> Int {
    MemoryLayout<nl_trace_header>.offset(of: field)!
  }

  /// Checks the header against itself and the file's length, in the order of the fields.
  ///
  /// - Throws: `TraceError` at the first wrong field.
  func validate(path: String, fileSize: Int) throws {
    func require(_ good: Bool, _ field: PartialKeyPath<nl_trace_header>, _ problem: String) throws {
      if !good { throw TraceError(path, .offset(Self.offset(of: field)), problem) }
    }
    try require(
      raw.magic == NL_TRACE_MAGIC, \.magic,
      "magic 0x\(String(raw.magic, radix: 16)); this is"
        + " no compact trace (wanted 0x\(String(NL_TRACE_MAGIC, radix: 16)))")
    try require(
      raw.header_bytes == Self.size, \.header_bytes,
      "a header of \(raw.header_bytes) bytes; allowed: \(Self.size)")
    try require(
      (1...UInt32(NL_TRACE_MAX_CPUS)).contains(raw.cpu_count), \.cpu_count,
      "\(raw.cpu_count) CPUs; allowed: 1 to \(NL_TRACE_MAX_CPUS)")
    let room = UInt64(fileSize - Self.size)
    try require(
      raw.event_count <= room / 8 && raw.event_count * 8 == room, \.event_count,
      "\(raw.event_count) events, but \(room) bytes of events in the file")
    var sum: UInt64 = 0
    for cpu in 0..<Int(NL_TRACE_MAX_CPUS) {
      let events = events(ofCPU: cpu)
      let isIn = cpu < raw.cpu_count ? events <= raw.event_count - sum : events == 0
      guard isIn else {
        throw TraceError(
          path, .offset(Self.offset(of: \.stream_events) + 8 * cpu),
          "\(events) events of CPU \(cpu); allowed: at most"
            + " \(cpu < raw.cpu_count ? raw.event_count - sum : 0)")
      }
      sum += events
    }
    try require(
      sum == raw.event_count, \.stream_events,
      "streams of \(sum) events together; the header says \(raw.event_count)")
    try require(
      raw.allocation_count <= raw.event_count, \.allocation_count,
      "\(raw.allocation_count) allocations in \(raw.event_count) events")
    for (field, count) in [
      (\nl_trace_header.null_frees as PartialKeyPath, raw.null_frees),
      (\.unknown_frees, raw.unknown_frees), (\.garbage_lines, raw.garbage_lines),
      (\.duration_ns, raw.duration_ns),
    ] {
      try require(
        count <= TraceCounts.limit, field,
        "a count of \(count); allowed: at most \(TraceCounts.limit)")
    }
  }

  /// Compares the header's totals with what the streams hold.
  func validate(tally: Tally, path: String) throws {
    for (name, field, said, found) in [
      (
        "allocations", \nl_trace_header.allocation_count as PartialKeyPath, raw.allocation_count,
        tally.allocations
      ),
      ("remote frees", \.remote_frees, raw.remote_frees, tally.remoteFrees),
      ("local frees", \.local_frees, raw.local_frees, tally.localFrees),
      ("live at the end", \.live_at_end, raw.live_at_end, tally.live),
    ] where said != found {
      throw TraceError(
        path, .offset(Self.offset(of: field)),
        "\(name): the header says \(said), the streams hold \(found)")
    }
  }
}
