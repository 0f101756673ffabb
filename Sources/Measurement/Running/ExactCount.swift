import Events

/// The exact instructions of a counted sample, beside what the processor's counter says of as many
/// calls of the same kind at full speed.
public struct ExactCount: Codable, Equatable, Sendable {
  /// By single-step.
  public var step: UInt64
  /// By the processor; nil where it has no counter for this process.
  public var pmu: UInt64?
  public var source: Source
  /// Time the counter was asked for, and time it counted; nil without a value.
  public var enabledNanoseconds: UInt64?
  public var runningNanoseconds: UInt64?
  /// Why there is no value; nil iff there is one.
  public var reason: String?
  /// What the value must be read with (AMD's over-count); nil where nothing.
  public var note: String?

  /// `pmu` − `step`; nil without a value.
  public var difference: Int64? {
    guard let pmu else { return nil }
    return Int64(truncatingIfNeeded: pmu) &- Int64(truncatingIfNeeded: step)
  }

  /// nil iff the record is not of a counted sample.
  init?(_ record: SampleRecord) {
    let name = "pmu_instructions"
    guard let step = record.value("step_instructions") else { return nil }
    self.step = step
    let metric = record.metrics.first { $0.name == name }
    source = metric?.source ?? .pmuRead
    let event = try? EventNames.encode("instructions")
    switch (metric, record.errors[name]) {
    case (nil, _): reason = "the sample says nothing of it"
    case (_, let error?):
      // ERANGE: InstructionsOfCalls.
      reason =
        error == 34
        ? "the empty loop showed more instructions than the loop of calls"
        : event.map { EventTrial.reason(error, $0) } ?? "errno \(error)"
    case (let metric?, nil):
      pmu = metric.value
      enabledNanoseconds = record.value(name + ".enabled_ns")
      runningNanoseconds = record.value(name + ".running_ns")
      note = event.flatMap { CounterCaveats.note($0) }
    }
  }

  enum CodingKeys: String, CodingKey {
    case source, difference, reason, note
    case step = "step_instructions"
    case pmu = "pmu_instructions"
    case enabledNanoseconds = "event-enabled"
    case runningNanoseconds = "event-runtime"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    step = try values.decode(UInt64.self, forKey: .step)
    pmu = try values.decode(UInt64?.self, forKey: .pmu)
    source = try values.decode(Source.self, forKey: .source)
    enabledNanoseconds = try values.decode(UInt64?.self, forKey: .enabledNanoseconds)
    runningNanoseconds = try values.decode(UInt64?.self, forKey: .runningNanoseconds)
    reason = try values.decode(String?.self, forKey: .reason)
    note = try values.decode(String?.self, forKey: .note)
  }

  /// `null` is written out.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(step, forKey: .step)
    try values.encode(pmu, forKey: .pmu)
    try values.encode(difference, forKey: .difference)
    try values.encode(source, forKey: .source)
    try values.encode(enabledNanoseconds, forKey: .enabledNanoseconds)
    try values.encode(runningNanoseconds, forKey: .runningNanoseconds)
    try values.encode(reason, forKey: .reason)
    try values.encode(note, forKey: .note)
  }
}
