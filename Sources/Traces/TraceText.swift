/// Reads what kernel developers already have: `perf script` text and ftrace's `trace` or
/// `trace_pipe`, plain or gzip, of the events `kmem:kmalloc`, `kmem:kfree`, `kmalloc_node`,
/// `kmem_cache_alloc`, `kmem_cache_alloc_node` and `kmem_cache_free`.
///
/// ```
/// perf record -e kmem:kmalloc,kmem:kfree -a -- COMMAND && perf script | gzip > FILE
/// ```
public enum TraceText {
  /// More unreadable lines than one in this many are an error.
  public static let garbageLimit: UInt64 = 100
  /// So many unreadable lines are kept to be shown.
  public static let shownGarbage = 5

  /// - Throws: `TraceError`: the file cannot be read, is a truncated gzip, has more than 1 % of
  ///   unreadable lines, more than 256 CPUs, or no allocation.
  public static func parse(_ path: String) throws -> Trace { try parse(path, lost: 0) }

  /// - Parameter lost: events that the recorder lost and the text does not say.
  static func parse(_ path: String, lost: UInt64) throws -> Trace {
    var reader = try InflatingReader(path: path)
    return try parse(&reader, lost: lost)
  }

  static func parse(_ reader: inout InflatingReader, lost known: UInt64 = 0) throws -> Trace {
    let path = reader.path
    var builder = TraceBuilder()
    var counts = TraceCounts()
    var garbage: [GarbageLine] = []
    var lines: UInt64 = 0
    var other: UInt64 = 0
    var lost = known

    try reader.forEachLine { number, line in
      lines += 1
      switch TraceLine(line) {
      case .record(let record): builder.append(record)
      case .other: other += 1
      case .comment: break
      case .lost(let count): lost += count ?? 1
      case .garbage(let reason):
        counts.garbageLines += 1
        if garbage.count < shownGarbage {
          garbage.append(
            GarbageLine(line: number, reason: "\(reason)", text: line.excerpt()))
        }
      case .tooManyCPUs(let cpu):
        throw TraceError(
          path, .line(number), "CPU \(cpu); allowed: 0 to \(TraceLine.maximumCPUs - 1)")
      }
    }

    if counts.garbageLines * garbageLimit > lines, let first = garbage.first {
      throw TraceError(
        path, .line(first.line),
        "\(first.reason): “\(first.text)”; \(counts.garbageLines) of \(lines) lines are not"
          + " perf script or ftrace text, allowed: 1 %")
    }
    counts.lostEvents = lost
    counts.otherLines = other
    guard let trace = builder.build(counts: counts, garbage: garbage) else {
      throw TraceError(path, .file, "more than 4294967296 allocations")
    }
    guard trace.streams.contains(where: { $0.contains(where: \.isAllocation) }) else {
      throw TraceError(
        path, .file,
        "no allocation in \(lines) lines; wanted: kmem:kmalloc, kmem:kfree (kmalloc_node,"
          + " kmem_cache_alloc, kmem_cache_alloc_node, kmem_cache_free) of perf script or ftrace")
    }
    return trace
  }
}
