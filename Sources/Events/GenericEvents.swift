import CPlatform

/// perf's generic events, known without libpfm4.  Source: `perf list`; the numbers are those of
/// linux/perf_event.h.
enum GenericEvents {
  static let pmu = "perf"

  /// Name, aliases, perf_event_attr.type and config.
  static let all: [(names: [String], type: UInt32, config: UInt64)] = [
    (["cycles", "cpu-cycles"], 0, 0), (["instructions"], 0, 1), (["cache-references"], 0, 2),
    (["cache-misses"], 0, 3), (["branches", "branch-instructions"], 0, 4),
    (["branch-misses"], 0, 5), (["bus-cycles"], 0, 6), (["ref-cycles"], 0, 9),
    (["cpu-clock"], 1, 0), (["task-clock"], 1, 1), (["page-faults", "faults"], 1, 2),
    (["context-switches", "cs"], 1, 3), (["cpu-migrations", "migrations"], 1, 4),
    (["minor-faults"], 1, 5), (["major-faults"], 1, 6), (["alignment-faults"], 1, 7),
    (["emulation-faults"], 1, 8),
  ]

  static var names: [String] { all.flatMap(\.names) }

  /// What `--counters default` stands for.
  static let standard = [
    "cycles", "instructions", "cache-misses", "branch-misses", "task-clock", "page-faults",
    "context-switches", "cpu-migrations",
  ]

  /// nil iff the name, without `perf::` and modifiers, is not one of these.
  static func encode(_ name: EventText) -> NamedEvent? {
    guard name.pmu == nil || name.pmu == pmu, name.unitMasks.isEmpty,
      let found = all.first(where: { $0.names.contains(name.base.lowercased()) })
    else { return nil }
    var flags = NL_PERF_EXCLUDE_HV.rawValue | NL_PERF_EXCLUDE_GUEST.rawValue
    if name.user == name.kernel || name.user { flags |= NL_PERF_EXCLUDE_KERNEL.rawValue }
    if name.kernel && !name.user { flags |= NL_PERF_EXCLUDE_USER.rawValue }
    if name.kernel && name.user { flags &= ~NL_PERF_EXCLUDE_KERNEL.rawValue }
    return NamedEvent(
      name: name.whole, type: found.type, flags: flags, config: found.config, config1: 0,
      config2: 0, pmu: pmu, absent: nil)
  }
}

/// The parts of an event's name: `PMU::EVENT:UNIT_MASK:u`.
struct EventText {
  let whole: String
  var pmu: String?
  var base: String
  var unitMasks: [Substring]
  var user = false
  var kernel = false

  init(_ text: String) {
    whole = text
    var rest = Substring(text)
    if let range = rest.firstRange(of: "::") {
      pmu = String(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    var parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    base = parts.isEmpty ? "" : String(parts.removeFirst())
    unitMasks = []
    for part in parts {
      switch part {
      case "u", "u=1": user = true
      case "k", "k=1": kernel = true
      default: unitMasks.append(part)
      }
    }
  }
}
