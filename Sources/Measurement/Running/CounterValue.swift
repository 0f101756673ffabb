import Events

/// One event of one thread of a sample, read from the thread's own group.
public struct ThreadCount: Codable, Equatable, Sendable {
  /// From 0, in the order of the foreground threads.
  public var thread: Int
  /// Scaled where it ran below the time it was enabled.
  public var value: UInt64
  public var source: Source
  public var enabledNanoseconds: UInt64
  public var runningNanoseconds: UInt64

  enum CodingKeys: String, CodingKey {
    case thread, source
    case value = "counter-value"
    case enabledNanoseconds = "event-enabled"
    case runningNanoseconds = "event-runtime"
  }
}

/// One event of one sample.  Keys as in `perf stat -j`, and the source.
public struct CounterValue: Codable, Equatable, Sendable {
  /// The event as the plan names it.
  public var event: String
  /// The count of all foreground threads in the measured part; scaled where `running` is below
  /// `enabled`.  nil where there is none.
  public var value: UInt64?
  /// `ns` or `count`.
  public var unit: String
  public var source: Source
  /// Time the event was asked for, and time it was counted, both summed over the threads; nil
  /// where the value is not perf's.
  public var enabledNanoseconds: UInt64?
  public var runningNanoseconds: UInt64?
  /// What the readings themselves add to the value, at least; nil where it is not perf's.
  public var overhead: UInt64?
  /// Why there is no value, or why it does not come from perf.
  public var reason: String?
  /// What the value must be read with: AMD's over-count, the watchdog's counter; nil where nothing.
  public var note: String?
  /// Each thread's own count; empty where the value is not perf's.
  public var threads: [ThreadCount] = []

  enum CodingKeys: String, CodingKey {
    case event, unit, source, reason, overhead, note, threads
    case value = "counter-value"
    case enabledNanoseconds = "event-enabled"
    case runningNanoseconds = "event-runtime"
    case runningPercent = "pcnt-running"
  }

  init(
    event: String, value: UInt64?, unit: String, source: Source, enabledNanoseconds: UInt64?,
    runningNanoseconds: UInt64?, overhead: UInt64?, reason: String?
  ) {
    self.event = event
    self.value = value
    self.unit = unit
    self.source = source
    self.enabledNanoseconds = enabledNanoseconds
    self.runningNanoseconds = runningNanoseconds
    self.overhead = overhead
    self.reason = reason
  }

  /// From a sample's metrics `counter.N`, `counter.N.enabled_ns` and so on.
  init(
    _ planned: CounterPlan.Planned, _ name: String, _ record: [Metric], _ errors: [String: Int32]
  ) {
    func metric(_ suffix: String) -> UInt64? { record.first { $0.name == name + suffix }?.value }
    let main = record.first { $0.name == name }
    let error = errors[name] ?? 0
    event = planned.event.name
    unit = planned.event.unit
    source = main?.source ?? .softwarePerf
    enabledNanoseconds = metric(".enabled_ns")
    runningNanoseconds = metric(".running_ns")
    overhead = metric(".overhead")
    let isPerf = [.softwarePerf, .pmuRead, .pmuRdpmc].contains(source)
    value = error != 0 && isPerf ? nil : main?.value
    note = planned.note
    let own = Dictionary(
      record.filter { $0.name.hasPrefix(name + ".") }.map { ($0.name, $0) }
    ) { first, _ in first }
    while let count = own["\(name).\(threads.count)"],
      let enabled = own["\(name).\(threads.count).enabled_ns"],
      let running = own["\(name).\(threads.count).running_ns"]
    {
      threads.append(
        ThreadCount(
          thread: threads.count, value: count.value, source: count.source,
          enabledNanoseconds: enabled.value, runningNanoseconds: running.value))
    }
    if main == nil {
      reason = "the sample says nothing of it"
    } else if error != 0 {
      // nolock knows more about the same refusal than an errno says.
      let why = planned.problem ?? EventTrial.reason(error, planned.event)
      reason = value == nil ? why : "not by perf: \(why)"
    }
  }

  /// Share of the time that the event was counted, 0…1; nil where the value is not perf's.
  public var runningShare: Double? {
    guard let enabledNanoseconds, let runningNanoseconds, enabledNanoseconds > 0 else { return nil }
    return Double(runningNanoseconds) / Double(enabledNanoseconds)
  }

  /// The value was scaled: the event had to share its counter.
  public var isScaled: Bool { (runningShare ?? 1) < 1 }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    event = try values.decode(String.self, forKey: .event)
    value = try values.decode(UInt64?.self, forKey: .value)
    unit = try values.decode(String.self, forKey: .unit)
    source = try values.decode(Source.self, forKey: .source)
    enabledNanoseconds = try values.decode(UInt64?.self, forKey: .enabledNanoseconds)
    runningNanoseconds = try values.decode(UInt64?.self, forKey: .runningNanoseconds)
    overhead = try values.decode(UInt64?.self, forKey: .overhead)
    reason = try values.decode(String?.self, forKey: .reason)
    // Records from before there were these have none.
    note = try values.decodeIfPresent(String.self, forKey: .note)
    threads = try values.decodeIfPresent([ThreadCount].self, forKey: .threads) ?? []
  }

  /// `null` is written out.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(event, forKey: .event)
    try values.encode(value, forKey: .value)
    try values.encode(unit, forKey: .unit)
    try values.encode(source, forKey: .source)
    try values.encode(enabledNanoseconds, forKey: .enabledNanoseconds)
    try values.encode(runningNanoseconds, forKey: .runningNanoseconds)
    try values.encode(runningShare.map { 100 * $0 }, forKey: .runningPercent)
    try values.encode(overhead, forKey: .overhead)
    try values.encode(reason, forKey: .reason)
    try values.encode(note, forKey: .note)
    try values.encode(threads, forKey: .threads)
  }
}
