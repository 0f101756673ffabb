import Events
import Traces

/// The exact instructions of a counted sample, beside what the processor's counter says of as many
/// calls of the same kind at full speed.
public struct ExactCount: Codable, Equatable, Sendable {
  /// By single-step.
  public var step: UInt64
  /// By the processor; nil where it has no counter for this process.
  @Explicit public var pmu: UInt64?
  public var source: Source
  /// Time the counter was asked for, and time it counted; nil without a value.
  @Explicit public var enabledNanoseconds: UInt64?
  @Explicit public var runningNanoseconds: UInt64?
  /// Why there is no value; nil iff there is one.
  @Explicit public var reason: String?
  /// What the value must be read with (AMD's over-count); nil where nothing.
  @Explicit public var note: String?
  /// `pmu` − `step`; nil without a value.
  @Explicit public private(set) var difference: Int64?

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
      difference = Int64(truncatingIfNeeded: metric.value) &- Int64(truncatingIfNeeded: step)
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
}
