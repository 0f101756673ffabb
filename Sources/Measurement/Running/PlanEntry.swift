import CRecords
public import Events

/// How much a sample's measured loop is slowed on purpose, and in chunks of how many operations.
public struct Dilation: Equatable, Sendable {
  /// Share of a chunk's own time spent spinning after it: 0.06 = 6 % slower.
  public var share: Double
  /// Operations in a chunk (replay: events); 0 = the plain loop.
  public var chunk: UInt32

  public static let none = Dilation(share: 0, chunk: 0)

  public init(share: Double, chunk: UInt32) {
    self.share = share
    self.chunk = chunk
  }
}

/// The bytes of one `struct nl_plan_entry`: what a sample process reads.
public struct PlanEntry: Sendable {
  public let bytes: [UInt8]

  /// - Parameters:
  ///   - iterations: per thread; 0 = the sample calibrates itself to `targetNanoseconds`.
  ///   - trace: the compact trace's file, memory-mapped by the sample; empty if none.
  ///   - counters: events that fit into one sample.
  ///   - counted: exact instruction counts instead of times.
  /// - Throws: `usage` where a path or name is longer than the record's field.
  public init(
    _ cell: Cell, iterations: UInt64, targetNanoseconds: UInt64, seed: UInt64, mix: MixTable,
    handlerMix: MixTable, trace: String, counters: [NamedEvent] = [], dilation: Dilation = .none,
    counted: Bool = false
  ) throws(Failure) {
    var entry = nl_plan_entry()
    entry.abi = NL_RECORDS_ABI
    entry.size = UInt32(MemoryLayout<nl_plan_entry>.size)
    entry.workload = cell.workload.recordValue
    entry.foreground = (cell.foreground == .pair ? NL_PAIR : NL_CHURN).rawValue
    entry.threads = UInt32(cell.threads)
    entry.batch = UInt32(cell.batch)
    entry.shuffled = cell.order == .shuffled ? 1 : 0
    entry.live = UInt32(cell.live)
    entry.irq = cell.interrupts.recordValue
    entry.irq2 = cell.irq.second.recordValue
    entry.irq2_rate = cell.irq.secondRate
    entry.irq_burst = UInt32(cell.irq.burst)
    entry.irq_class = (cell.irq.irqClass == .hardirq ? NL_CLASS_HARDIRQ : NL_CLASS_NMI).rawValue
    entry.irq_one_thread = cell.irq.threads == .first ? 1 : 0
    entry.irq_frequency = cell.irq.perfMode == .frequency ? 1 : 0
    entry.arrivals = (cell.arrivals == .poisson ? NL_POISSON : NL_PERIODIC).rawValue
    entry.handler = (cell.handler == .empty ? NL_HANDLER_EMPTY : NL_HANDLER_NOLOCK).rawValue
    entry.handler_own_bucket = cell.ownBucket ? 1 : 0
    entry.irq_rate = cell.rate
    entry.iterations = iterations
    entry.target_ns = targetNanoseconds
    // Calibration (0 iterations) looks for the length of one repetition.
    entry.minimum_ns = iterations == 0 ? 0 : UInt64(cell.seconds) * 1_000_000_000
    entry.seed = seed
    entry.memory_limit = cell.limit
    entry.pin = 1
    entry.replay_contexts = cell.contexts ? 1 : 0
    entry.nolock_calls = cell.calls == .nolock ? 1 : 0
    entry.dilation = dilation.share
    entry.dilation_chunk = dilation.chunk
    entry.counted = counted || cell.counted ? 1 : 0
    entry.mix_count = UInt32(mix.sizes.count)
    entry.handler_mix_count = UInt32(handlerMix.sizes.count)
    guard counters.count <= Int(NL_MAX_COUNTERS) else {
      throw Failure(.usage, "\(counters.count) counters in a sample, allowed: \(NL_MAX_COUNTERS)")
    }
    entry.counter_count = UInt32(counters.count)
    var raw = unsafe withUnsafeBytes(of: &entry) { unsafe Array($0) }
    Self.put(counters, &raw)
    let (name, object) = cell.nameAndObject
    try Self.put(name, "subject", \.subject, limit: 64, &raw)
    try Self.put(object, "object path", \.object_path, limit: 1024, &raw)
    try Self.put(
      cell.irq.functions.replacing("+", with: ","), "functions", \.irq_function, limit: 1024, &raw)
    try Self.put(trace, "trace path", \.trace_path, limit: 1024, &raw)
    Self.put(mix.sizes, \.mix, &raw)
    Self.put(handlerMix.sizes, \.handler_mix, &raw)
    bytes = raw
  }

  private static func put(
    _ text: String, _ what: String, _ field: PartialKeyPath<nl_plan_entry>, limit: Int,
    _ raw: inout [UInt8]
  ) throws(Failure) {
    let utf8 = Array(text.utf8)
    guard utf8.count < limit else {
      throw Failure(.usage, "\(what) '\(text.prefix(40))…': longer than \(limit - 1) bytes")
    }
    guard let offset = MemoryLayout<nl_plan_entry>.offset(of: field) else { return }
    raw.replaceSubrange(offset..<offset + utf8.count, with: utf8)
  }

  private static func put(_ events: [NamedEvent], _ raw: inout [UInt8]) {
    guard let offset = MemoryLayout<nl_plan_entry>.offset(of: \.counters) else { return }
    for (index, event) in events.enumerated() {
      let counter = nl_counter(
        type: event.type, flags: event.flags, config: event.config, config1: event.config1,
        config2: event.config2, fallback: event.fallback.rawValue,
        hardware: event.isHardware ? 1 : 0)
      let bytes = unsafe withUnsafeBytes(of: counter) { unsafe Array($0) }
      let start = offset + index * MemoryLayout<nl_counter>.stride
      raw.replaceSubrange(start..<start + bytes.count, with: bytes)
    }
  }

  private static func put(
    _ sizes: [UInt32], _ field: PartialKeyPath<nl_plan_entry>, _ raw: inout [UInt8]
  ) {
    guard let offset = MemoryLayout<nl_plan_entry>.offset(of: field) else { return }
    let utf8 = sizes.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) } }
    raw.replaceSubrange(offset..<offset + utf8.count, with: utf8)
  }
}

extension Cell {
  /// The subject's name for the record, and the shared object of `rev:`, `peer:` and what is built
  /// when it is asked for.
  public var nameAndObject: (name: String, object: String) {
    for prefix in Subjects.prefixes where subject.hasPrefix(prefix) {
      let path = String(subject.dropFirst(prefix.count))
      let file = path.split(separator: "/").last.map(String.init) ?? path
      return (String((prefix + file).prefix(63)), path)
    }
    return (subject, Subjects.object(of: subject) ?? "")
  }
}
