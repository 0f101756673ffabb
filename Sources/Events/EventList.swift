import Foundation

/// One line of `nolock list counters`.
public struct ListedEvent: Codable, Equatable, Sendable {
  public var name: String
  public var description: String
  /// Whether this process could open it, tried now.
  public var opens: Bool
  /// Why not; nil iff it opens.
  public var reason: String?
  /// Fields of perf_event_attr, hexadecimal; nil where libpfm4 encodes it on its own PMU only.
  public var type: UInt32?
  public var config: String?

  /// `null` is written out.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(description, forKey: .description)
    try values.encode(opens, forKey: .opens)
    try values.encode(reason, forKey: .reason)
    try values.encode(type, forKey: .type)
    try values.encode(config, forKey: .config)
  }
}

public enum EventList {
  /// The events whose `PMU::NAME` or description holds `pattern`, case apart.
  ///
  /// Without a pattern: perf's generic names and those of the PMUs of this machine.  With one:
  /// every event that libpfm4 knows.  Tracepoints come last, and only where the pattern asks.
  public static func matching(_ pattern: String?) -> [ListedEvent] {
    var listed = GenericEvents.all.compactMap { entry in
      line(
        entry.names[0],
        (["generic"] + entry.names.dropFirst().map { "also \($0)" })
          .joined(separator: ", "), pattern, also: entry.names)
    }
    let library = EventLibrary.shared
    for pmu in library.pmus where pattern != nil || pmu.isPresent {
      for event in library.events(of: pmu) {
        // A tracepoint's description says so; there are thousands.
        if pattern == nil && event.name.contains(":") { continue }
        let name = "\(pmu.name)::\(event.name)"
        // An event that is nothing without a unit mask is listed with each of its own.
        var names = [name]
        if pmu.isPresent, case .malformed = library.encode(name) {
          let masks = library.unitMasks(event)
          if !masks.isEmpty { names = masks.map { "\(name):\($0)" } }
        }
        for name in names {
          if let line = line(name, event.description, pattern, also: [name]) {
            listed.append(line)
          }
        }
      }
    }
    return listed
  }

  private static func line(
    _ name: String, _ description: String, _ pattern: String?, also: [String]
  ) -> ListedEvent? {
    if let pattern {
      let found = (also + [description]).contains {
        $0.range(of: pattern, options: .caseInsensitive) != nil
      }
      guard found else { return nil }
    }
    do throws(UnknownEvent) {
      let event = try EventNames.encode(name)
      let problem = EventTrial.problem(event)
      let isEncoded = event.type != .max
      return ListedEvent(
        name: name, description: description, opens: problem == nil, reason: problem,
        type: isEncoded ? event.type : nil,
        config: isEncoded ? "0x" + String(event.config, radix: 16) : nil)
    } catch {
      return ListedEvent(
        name: name, description: description, opens: false, reason: error.text, type: nil,
        config: nil)
    }
  }
}
