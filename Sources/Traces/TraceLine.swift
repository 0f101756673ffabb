/// What one line of trace text says.
enum TraceLine {
  case record(Record)
  /// Another event, a stack entry, a function call.
  case other
  /// A comment or an empty line.
  case comment
  /// The recorder lost this many events; it does not always say how many.
  case lost(UInt64?)
  /// Not a line of trace text; why.
  case garbage(StaticString)
  /// More CPUs than the compact form has streams.
  case tooManyCPUs(UInt64)

  /// One allocation or free, before its pointer is resolved.
  struct Record {
    var nanoseconds: UInt64
    var pointer: UInt64
    var size: UInt32 = 0
    var cpu: UInt8
    var context: TraceEvent.Context
    var isFree: Bool
    var isZeroed = false
    var isAccounted = false
    /// The name had perf's `kmem:` before it.
    var isPerf: Bool
  }

  static let maximumCPUs: UInt64 = 256

  init(_ line: Bytes) {
    guard let header = RecordHeader(line) else {
      self = Self.withoutHeader(line)
      return
    }
    if line.has("PERF_RECORD_LOST", at: header.name) {
      self = Self.perfLoss(line)
      return
    }
    guard let fields = header.fields else {
      // `kfree <-caller`, `<stack trace>`, `sys_getpid()` are whole; `kmem:kmall` is not.
      self = Self.isCutOff(line, name: header.name) ? .garbage("cut off") : .other
      return
    }
    let isPerf = line.has("kmem:", at: header.name) && fields > header.name + 6
    let name = (header.name + (isPerf ? 5 : 0))..<(fields - 1)
    let isFree: Bool
    if line.equals("kmalloc", name) || line.equals("kmem_cache_alloc", name)
      || line.equals("kmalloc_node", name) || line.equals("kmem_cache_alloc_node", name)
    {
      isFree = false
    } else if line.equals("kfree", name) || line.equals("kmem_cache_free", name) {
      isFree = true
    } else {
      self = .other
      return
    }
    guard header.cpu < Self.maximumCPUs else {
      self = .tooManyCPUs(header.cpu)
      return
    }
    self = Self.record(
      line, fields: fields,
      Record(
        nanoseconds: header.nanoseconds, pointer: 0, cpu: UInt8(header.cpu),
        context: header.context, isFree: isFree, isPerf: isPerf))
  }

  /// Reads `key=value` words; the first of each key counts.
  private static func record(_ line: Bytes, fields: Int, _ head: Record) -> TraceLine {
    var record = head
    var hasPointer = false
    var hasSize = false
    var at = line.skippingBlanks(from: fields)
    while at < line.count {
      let end = line.wordEnd(from: at)
      if !hasPointer, line.has("ptr=", at: at) {
        guard let pointer = Self.pointer(line, (at + 4)..<end) else { return .garbage("bad ptr") }
        record.pointer = pointer
        hasPointer = true
        if record.isFree { return .record(record) }
      } else if !hasSize, line.has("bytes_req=", at: at) {
        guard let (size, stop) = line.decimal(at: at + 10), stop == end else {
          return .garbage("bad bytes_req")
        }
        guard size <= UInt64(TraceEvent.maximumSize) else {
          return .garbage("bytes_req above 16777215")
        }
        record.size = UInt32(size)
        hasSize = true
      } else if line.has("gfp_flags=", at: at) {
        // Before Linux 4.3 the names had no underscores: GFP_ZERO.
        if line.contains("GFP_ZERO", in: at..<end) { record.isZeroed = true }
        if line.contains("_ACCOUNT", in: at..<end) { record.isAccounted = true }
      } else if line.has("accounted=true", at: at) {
        record.isAccounted = true
      }
      at = line.skippingBlanks(from: end)
    }
    guard hasPointer else { return .garbage("no ptr") }
    guard hasSize || record.isFree else { return .garbage("no bytes_req") }
    return .record(record)
  }

  /// NULL is `(nil)` in perf, zeros or `(null)` in ftrace, whose other pointers are hashed.
  private static func pointer(_ line: Bytes, _ range: Range<Int>) -> UInt64? {
    if let value = line.hexadecimal(range) { return value }
    return line.equals("(nil)", range) || line.equals("(null)", range) ? 0 : nil
  }

  /// Whether the line ends within the name of an allocation event, or before it.
  private static func isCutOff(_ line: Bytes, name: Int) -> Bool {
    guard name < line.count else { return true }
    let word = (line.has("kmem:", at: name) ? name + 5 : name)..<line.count
    return line.isBegin(of: "kmem:", name..<line.count)
      || line.isBegin(of: "kmalloc_node", word) || line.isBegin(of: "kfree", word)
      || line.isBegin(of: "kmem_cache_alloc_node", word)
      || line.isBegin(of: "kmem_cache_free", word)
  }

  private static func withoutHeader(_ line: Bytes) -> TraceLine {
    let at = line.skippingBlanks(from: 0)
    if at == line.count || line[0] == UInt8(ascii: "#") { return .comment }
    // ftrace: `CPU:0 [LOST 123 EVENTS]`, `CPU:0 [LOST EVENTS]`; trace-cmd: `[123 EVENTS DROPPED]`.
    if line.has("CPU:", at: at), let (_, end) = line.decimal(at: at + 4) {
      let word = line.skippingBlanks(from: end)
      if line.has("[LOST ", at: word) {
        return .lost(line.decimal(at: word + 6)?.value)
      }
      if line.has("[EVENTS DROPPED]", at: word) { return .lost(nil) }
      if line.has("[", at: word), let (count, stop) = line.decimal(at: word + 1),
        line.has(" EVENTS DROPPED]", at: stop)
      {
        return .lost(count)
      }
    }
    if line.contains("PERF_RECORD_LOST", in: 0..<line.count) { return perfLoss(line) }
    // Stacks: ` => symbol` (ftrace), `\tffffffff81234567 symbol+0x10 (…)` (perf).
    if at > 0, line.has("=> ", at: at) { return .other }
    let end = line.wordEnd(from: at)
    if at > 0, end - at >= 8, line.hexadecimal(at..<end) != nil { return .other }
    return .garbage("no task, [CPU] and time")
  }

  /// `PERF_RECORD_LOST lost 123` (`perf script --show-lost-events`).
  private static func perfLoss(_ line: Bytes) -> TraceLine {
    var at = line.skippingBlanks(from: 0)
    while at < line.count {
      if line.has("lost ", at: at) { return .lost(line.decimal(at: at + 5)?.value) }
      at = line.skippingBlanks(from: line.wordEnd(from: at))
    }
    return .lost(nil)
  }
}
