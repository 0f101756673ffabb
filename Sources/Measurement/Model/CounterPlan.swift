public import Events
import Traces

/// Which events a run counts, decided before the first sample.
public struct CounterPlan: Codable, Equatable, Sendable {
  /// An event, and why `nolock` itself could not open it when the plan was made.
  public struct Planned: Codable, Equatable, Sendable {
    public var event: NamedEvent
    /// nil iff it opened.  It is asked for in the samples all the same where something stands in
    /// for it.
    @Explicit public var problem: String?
    /// What its values must be read with; nil where nothing, or where it did not open.
    @Explicit public var note: String?

    /// Whether a sample is asked for it.
    var isCounted: Bool { problem == nil || event.fallback != .none }
  }

  public var events: [Planned]
  /// Numbers of the events that share a sample; block b counts subset `b mod count`.
  public var subsets: [[Int]]

  /// Encodes the names and tries the events.
  ///
  /// - Parameter place: where the names stand, for messages.
  /// - Throws: `usage` for a name that means no event, and for too many.
  public init(_ names: [String], place: String) throws(Failure) {
    do throws(UnknownEvent) {
      events = try EventNames.encode(all: names).map {
        let problem = EventTrial.problem($0)
        return Planned(
          event: $0, problem: problem, note: problem == nil ? CounterCaveats.note($0) : nil)
      }
    } catch {
      throw Failure(.usage, "\(place): \(error.text)")
    }
    let all = events
    let counted = all.indices.filter { all[$0].isCounted }
    subsets = EventSubsets.split(counted.map { all[$0].event }).map { $0.map { counted[$0] } }
  }

  /// The events of one block's samples, at most 16.
  func subset(block: Int) -> [NamedEvent] {
    subsets[block % subsets.count].map { events[$0].event }
  }
}

extension CounterPlan {
  /// What the samples of a block say about every event that was asked for in it, and about those
  /// that nobody could ask for.
  func values(_ record: [Metric], errors: [String: Int32], block: Int) -> [CounterValue] {
    let asked = subsets[block % subsets.count]
    var values: [CounterValue] = []
    for (position, number) in asked.enumerated() {
      values.append(
        CounterValue(events[number], "counter.\(position)", record, errors))
    }
    for planned in events where !planned.isCounted {
      values.append(
        CounterValue(
          event: planned.event.name, value: nil, unit: planned.event.unit,
          source: planned.event.isHardware ? .pmuRead : .softwarePerf, enabledNanoseconds: nil,
          runningNanoseconds: nil, overhead: nil, reason: planned.problem))
    }
    return values
  }
}
