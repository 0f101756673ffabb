/// Reads what `nolock-sample --atlas` writes: lines of words separated by tabs.
extension AtlasResult {
  /// Counters that say why a call did not end where it first looked.
  private static let reasons = [
    "line_busy", "request_seen", "barn_get_fail", "barn_lock_busy", "list_lock_busy",
    "zone_lock_busy", "slab_cas_fail", "slab_returned", "limit_hit", "out_of_pages", "next_bucket",
    "attach", "attach_failed", "bad_free", "large_leaked",
  ]

  /// - Throws: a text where a line is not one.
  mutating func read(_ text: String) throws(RecordError) {
    var objects: [String] = []
    var ended = false
    for line in text.split(separator: "\n") {
      let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      switch words[0] {
      case "missing": reason = words.dropFirst().joined(separator: " ")
      case "operation", "state", "size", "pauses": break
      case "instructions": instructions = try Self.number(words, 1)
      case "traps": traps = try Self.number(words, 1)
      case "system_calls": systemCalls = try Self.number(words, 1)
      case "object": objects.append(words.count > 2 ? words[2] : "")
      case "boundary": boundaries.append(try Self.boundary(words, objects))
      case "end": ended = true
      default: throw RecordError(text: "atlas line '\(line.prefix(60))' is not known")
      }
    }
    guard ended || reason != nil else { throw RecordError(text: "the atlas has no end") }
    if !boundaries.isEmpty { bound = AtlasBound(boundaries) }
  }

  private static func number(_ words: [String], _ at: Int) throws(RecordError) -> Int {
    guard at < words.count, let value = Int(words[at]) else {
      throw RecordError(text: "atlas line '\(words[0])': word \(at) is no number")
    }
    return value
  }

  private static func boundary(
    _ words: [String], _ objects: [String]
  ) throws(RecordError) -> AtlasBoundary {
    let object = try number(words, 2)
    guard words.count == 19, objects.indices.contains(object) else {
      throw RecordError(text: "atlas line 'boundary': \(words.count) words, allowed: 19")
    }
    return AtlasBoundary(
      number: try number(words, 1), address: UInt64(try number(words, 3)),
      object: objects[object], loop: try number(words, 4),
      allocation: try outcome(words, 5), release: try outcome(words, 12))
  }

  /// Seven words: state, instructions, system calls, pauses, NULL, usable bytes, counters.
  private static func outcome(_ words: [String], _ at: Int) throws(RecordError) -> AtlasOutcome {
    let counters = words[at + 6].split(separator: ",").map(String.init)
    let kind: AtlasOutcome.Kind =
      switch try number(words, at) {
      case 1:
        if try number(words, at + 4) == 1 { .failed }
        else if counters.contains("bad_free") || counters.contains("large_leaked") { .failed }
        else if counters.contains("next_bucket") { .nextBucket }
        else if counters.contains("free_deferred") { .deferred }
        else { .first }
      case 2: .twice
      default: .hangs
      }
    var why: [String] = []
    if counters.contains("slab_alloc") && counters.contains("alloc_slow") {
      why.append("new slab")
    } else if counters.contains("alloc_slow") {
      why.append("slab")
    } else if counters.contains("sheaf_alloc") {
      why.append("new sheaf")
    } else if counters.contains("spare_swap") {
      why.append("spare")
    } else if counters.contains("barn_get") || counters.contains("barn_put") {
      why.append("barn")
    } else if counters.contains("alloc_fast") || counters.contains("free_fast") {
      why.append("main")
    }
    why += reasons.filter { counters.contains($0) && !(kind == .nextBucket && $0 == "next_bucket") }
    return AtlasOutcome(
      kind: kind, why: why.joined(separator: " "), instructions: try number(words, at + 1),
      systemCalls: try number(words, at + 2), pauses: try number(words, at + 3))
  }
}
