import CPfm

/// libpfm4, loaded once.  Its tables never change after that.
@safe struct EventLibrary {
  struct PMU {
    let number: Int32
    let name: String
    let description: String
    let firstEvent: Int32
    let counters: Int
    let isPresent: Bool
  }

  struct Event {
    let index: Int32
    let name: String
    let description: String
    let pmu: Int32
    let attributes: Int32
  }

  /// Why libpfm4 cannot be used; nil iff it can.
  let problem: String?
  let pmus: [PMU]

  /// The process's one library.
  static let shared = EventLibrary()

  private init() {
    problem = unsafe text(nl_pfm_load())
    var found: [PMU] = []
    if problem == nil {
      for number in 0..<nl_pfm_pmu_count() {
        var pmu = unsafe nl_pfm_pmu()
        guard unsafe nl_pfm_pmu(number, &pmu) != 0 else { continue }
        unsafe found.append(
          PMU(
            number: number, name: text(pmu.name) ?? "", description: text(pmu.description) ?? "",
            firstEvent: pmu.first_event, counters: Int(pmu.counters), isPresent: pmu.present != 0))
      }
    }
    pmus = found
  }

  /// The PMU of an event's number.
  func pmu(_ number: Int32) -> PMU? { pmus.first { $0.number == number } }

  /// The events of a PMU, in libpfm4's order.
  func events(of pmu: PMU) -> [Event] {
    var events: [Event] = []
    var index = pmu.firstEvent
    while index >= 0 {
      if let event = event(index) { events.append(event) }
      index = nl_pfm_next_event(index)
    }
    return events
  }

  func event(_ index: Int32) -> Event? {
    var event = unsafe nl_pfm_event()
    guard unsafe nl_pfm_event(index, &event) != 0 else { return nil }
    return unsafe Event(
      index: index, name: text(event.name) ?? "", description: text(event.description) ?? "",
      pmu: event.pmu, attributes: event.attributes)
  }

  /// The names of an event's unit masks.
  func unitMasks(_ event: Event) -> [String] {
    (0..<event.attributes).compactMap { unsafe text(nl_pfm_unit_mask(event.index, $0)) }
  }

  enum Encoded {
    case event(NamedEvent)
    case notFound
    case malformed(String)
  }

  func encode(_ name: String) -> Encoded {
    var found = nl_pfm_encoding()
    let error = unsafe nl_pfm_encode(name, &found)
    guard error == 0 else {
      if nl_pfm_is_not_found(error) != 0 { return .notFound }
      let why = unsafe text(nl_pfm_error(error))
      return .malformed(why ?? "libpfm4 knows no reason")
    }
    let owner = self.event(found.event)?.pmu
    let pmu = pmus.first { $0.number == owner }
    return .event(
      NamedEvent(
        name: name, type: found.type, flags: found.flags, config: found.config,
        config1: found.config1, config2: found.config2, pmu: pmu?.name ?? "",
        absent: pmu?.isPresent == false ? absence(pmu?.name ?? "") : nil))
  }

  func absence(_ pmu: String) -> String { "PMU \(pmu) is not that of this machine" }
}

private func text(_ characters: UnsafePointer<CChar>?) -> String? {
  unsafe characters.map { unsafe String(cString: $0) }
}
