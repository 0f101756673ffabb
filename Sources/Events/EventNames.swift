import CPlatform

/// From an event's name to its encoding.
public enum EventNames {
  /// Encodes an event: by libpfm4 where it is there, else perf's generic names only.
  ///
  /// Without `:k` an event is counted in user mode only, where the allocator runs; context switches
  /// and migrations happen in the kernel and are counted there.
  ///
  /// - Throws: the name is unknown (with names near it) or ill-formed, or could only read 0.
  public static func encode(_ name: String) throws(UnknownEvent) -> NamedEvent {
    let parts = EventText(name)
    guard !parts.base.isEmpty else { throw UnknownEvent(text: "'\(name)' is no event name") }
    var event = try encoded(name, parts)
    event.name = name
    if event.happensInKernel {
      if parts.user && !parts.kernel {
        throw UnknownEvent(
          text: "'\(name)' would read 0 for ever: it happens in the kernel, allowed: "
            + "\(parts.base) without :u")
      }
      event.flags &= ~(NL_PERF_EXCLUDE_KERNEL.rawValue | NL_PERF_EXCLUDE_USER.rawValue)
    }
    return event
  }

  /// The events of a list of names; `default` stands for the usual ones.
  ///
  /// - Throws: as `encode`, and for a name that stands twice.
  public static func encode(all names: [String]) throws(UnknownEvent) -> [NamedEvent] {
    var events: [NamedEvent] = []
    for name in names.flatMap({ $0 == "default" ? GenericEvents.standard : [$0] }) {
      guard !events.contains(where: { $0.name == name }) else {
        throw UnknownEvent(text: "'\(name)' stands twice")
      }
      events.append(try encode(name))
    }
    return events
  }

  /// Why libpfm4 cannot be used here; nil iff it can.
  public static var libraryProblem: String? { EventLibrary.shared.problem }

  private static func encoded(_ name: String, _ parts: EventText) throws(UnknownEvent)
    -> NamedEvent
  {
    let library = EventLibrary.shared
    if let problem = library.problem {
      if let event = GenericEvents.encode(parts) { return event }
      return NamedEvent(
        name: name, type: .max, flags: 0, config: 0, config1: 0, config2: 0,
        pmu: parts.pmu ?? "", absent: "\(problem): only perf's generic names are known")
    }
    switch library.encode(name) {
    case .event(let event): return event
    case .malformed(let why):
      let masks = candidates(parts).first.map(library.unitMasks) ?? []
      let allowed = masks.isEmpty ? ":u and :k" : masks.prefix(12).joined(separator: ", ")
      throw UnknownEvent(text: "'\(name)': \(why), allowed behind \(parts.base): \(allowed)")
    case .notFound:
      if let event = GenericEvents.encode(parts) { return event }
      // libpfm4 finds only the events of PMUs that are present.
      if let event = candidates(parts).first, let pmu = library.pmu(event.pmu) {
        return NamedEvent(
          name: name, type: .max, flags: 0, config: 0, config1: 0, config2: 0, pmu: pmu.name,
          absent: library.absence(pmu.name))
      }
      throw unknown(name, parts)
    }
  }

  /// Events of this name in any PMU, or in the one that is named.
  private static func candidates(_ parts: EventText) -> [EventLibrary.Event] {
    let library = EventLibrary.shared
    var found: [EventLibrary.Event] = []
    for pmu in library.pmus where parts.pmu.map({ $0.lowercased() == pmu.name }) ?? true {
      found += library.events(of: pmu).filter { same($0.name, parts.base) }
    }
    return found
  }

  private static func same(_ a: String, _ b: String) -> Bool { a.lowercased() == b.lowercased() }

  private static func unknown(_ name: String, _ parts: EventText) -> UnknownEvent {
    let library = EventLibrary.shared
    if let pmu = parts.pmu, !library.pmus.contains(where: { same($0.name, pmu) }) {
      let near = nearest(to: pmu, among: library.pmus.map(\.name))
      return UnknownEvent(text: "'\(name)': PMU '\(pmu)' is unknown\(near)")
    }
    var names: [String] = []
    for pmu in library.pmus {
      if let wanted = parts.pmu {
        if !same(pmu.name, wanted) { continue }
      } else {
        if !pmu.isPresent { continue }
      }
      names += library.events(of: pmu).map(\.name)
    }
    let near = nearest(to: parts.base, among: GenericEvents.names + names)
    return UnknownEvent(text: "'\(name)' is unknown\(near) (see nolock list counters)")
  }

  /// `, near: a, b, c`; empty where nothing is.
  static func nearest(to name: String, among names: [String]) -> String {
    let wanted = Array(name.lowercased().utf8)
    let limit = max(2, wanted.count / 3)
    var seen = Set<String>()
    let scored = names.filter { seen.insert($0.lowercased()).inserted }.map {
      (distance: distance(wanted, Array($0.lowercased().utf8)), name: $0)
    }
    let near = scored.filter { $0.distance <= limit }.sorted { $0.distance < $1.distance }
    return near.isEmpty ? "" : ", near: " + near.prefix(3).map(\.name).joined(separator: ", ")
  }

  /// Levenshtein's distance.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = above
      }
    }
    return row[b.count]
  }
}
