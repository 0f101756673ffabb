/// The head of a line of trace text, up to the event's name:
/// ```
///             find  2345 [001]   884.712263:   kmem:kfree: call_site=…        perf script
///             bash-2917    [000] d.s1.   895.098165: kmalloc: call_site=…     ftrace
/// ```
/// Both are one grammar: `TASK PID [CPU] (FLAGS)? SECONDS.FRACTION: (PERIOD)? NAME:`.
struct RecordHeader {
  let cpu: UInt64
  let nanoseconds: UInt64
  let context: TraceEvent.Context
  /// Where the event's name begins.
  let name: Int
  /// Behind the name's colon; `nil` iff there is no name (a function call, a stack, a comment).
  let fields: Int?

  /// A task's name is at most 15 bytes and may hold anything, even ` [0] 1.0: x:`.  Both tools
  /// print it in at least 16 columns, so a head whose bracket stands further left may be a part
  /// of the name: then one further right wins.
  private static let taskColumns = 16

  /// - Returns: `nil` iff the line has no such head.
  init?(_ line: Bytes) {
    var found: RecordHeader?
    var from = 0
    var end = line.count
    while let bracket = line.firstIndex(of: .openBracket, from: from, end: end) {
      if let header = RecordHeader(line, bracket: bracket) {
        if header.fields != nil, bracket >= Self.taskColumns {
          self = header
          return
        }
        if found?.fields == nil { found = header }
        end = min(line.count, bracket + 64)
      }
      from = bracket + 1
    }
    guard let found else { return nil }
    self = found
  }

  private init?(_ line: Bytes, bracket: Int) {
    // The process id stands before it, or ftrace's `record-tgid` column: `(   2917)`, `(-----)`.
    var before = bracket - 1
    while before >= 0, line[before] == .space { before -= 1 }
    guard before >= 0, before < bracket - 1,
      line[before].isDigit || line[before] == UInt8(ascii: ")"),
      let (cpu, close) = line.decimal(at: bracket + 1), close < line.count,
      line[close] == .closeBracket
    else { return nil }

    var at = line.skippingBlanks(from: close + 1)
    guard at > close + 1, at < line.count else { return nil }
    var context = TraceEvent.Context.unknown
    if !line[at].isDigit {
      let end = line.wordEnd(from: at)
      guard end - at >= 3 else { return nil }
      context = Self.context(irqs: line[at], interrupt: line[at + 2])
      at = line.skippingBlanks(from: end)
    }
    guard let (seconds, point) = line.decimal(at: at), seconds < 1 << 32, point < line.count,
      line[point] == UInt8(ascii: "."),
      let (fraction, colon) = line.decimal(at: point + 1), colon - point <= 10,
      colon < line.count, line[colon] == .colon
    else { return nil }
    var scale: UInt64 = 1
    for _ in (colon - point - 1)..<9 { scale *= 10 }

    at = line.skippingBlanks(from: colon + 1)
    // perf prints a sample's period if it was not always 1.
    if let (_, end) = line.decimal(at: at), end < line.count, line[end] == .space {
      at = line.skippingBlanks(from: end)
    }
    let end = line.wordEnd(from: at)
    self.cpu = cpu
    self.nanoseconds = seconds * 1_000_000_000 + fraction * scale
    self.context = context
    self.name = at
    self.fields = end > at + 1 && line[end - 1] == .colon ? end : nil
  }

  /// ftrace's context column (the kernel's `trace_print_lat_fmt`).
  ///
  /// Column 3: `Z` NMI inside a hardirq, `z` NMI, `H` hardirq inside a softirq, `h` hardirq, `s`
  /// softirq.  Column 1: `d` interrupts off, `D` and bottom halves too, `b` bottom halves only
  /// (still task context), `X` the kernel cannot tell.
  private static func context(irqs: UInt8, interrupt: UInt8) -> TraceEvent.Context {
    switch interrupt {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"): return .nmi
    case UInt8(ascii: "H"), UInt8(ascii: "h"): return .hardirq
    case UInt8(ascii: "s"): return .softirq
    default: break
    }
    switch irqs {
    case UInt8(ascii: "d"), UInt8(ascii: "D"): return .irqsOff
    case UInt8(ascii: "X"): return .unknown
    default: return .task
    }
  }
}
