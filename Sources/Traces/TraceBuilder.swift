/// Turns records into a trace: orders them by time, numbers the allocations, finds each free's
/// allocation.
struct TraceBuilder {
  /// Objects that the recording has allocated and not freed.
  private struct Owner {
    let id: UInt32
    let cpu: UInt8
  }

  /// `kfree` and the tracepoints see this for `kmalloc(0)`; like NULL there is nothing to free.
  private static let zeroSizePointer: UInt64 = 16

  private var records: [TraceLine.Record] = []
  private var isOrdered = true

  var isEmpty: Bool { records.isEmpty }
  /// Of the first record.
  var isPerf: Bool { records.first?.isPerf ?? false }

  mutating func append(_ record: TraceLine.Record) {
    if let last = records.last, record.nanoseconds < last.nanoseconds { isOrdered = false }
    records.append(record)
  }

  /// - Parameter counts: what the lines said; the rest is filled in.
  /// - Returns: `nil` iff there are more than 2³² allocations.
  func build(counts: TraceCounts, garbage: [GarbageLine]) -> Trace? {
    var counts = counts
    counts.lostFrees = 0
    counts.failedAllocations = 0
    var streams: [[TraceEvent]] = []
    var cpus: [UInt8] = []
    var times: [UInt64] = []
    var live: [UInt64: Owner] = [:]
    var nextID: UInt64 = 0
    let records = ordered()
    let origin = records.first?.nanoseconds ?? 0
    counts.durationNanoseconds = (records.last?.nanoseconds ?? 0) - origin

    for record in records {
      let event: TraceEvent
      if record.isFree {
        guard record.pointer != 0, record.pointer != Self.zeroSizePointer else {
          counts.nullFrees += 1
          continue
        }
        guard let owner = live.removeValue(forKey: record.pointer) else {
          counts.unknownFrees += 1
          continue
        }
        event = TraceEvent(
          id: owner.id, operation: owner.cpu == record.cpu ? .freeLocal : .freeRemote,
          context: record.context)
      } else {
        guard record.pointer != 0 else {
          counts.failedAllocations! += 1
          continue
        }
        guard let id = UInt32(exactly: nextID) else { return nil }
        nextID += 1
        if live.updateValue(Owner(id: id, cpu: record.cpu), forKey: record.pointer) != nil {
          counts.lostFrees! += 1
        }
        event = TraceEvent(
          id: id, size: record.size, operation: .allocate, isZeroed: record.isZeroed,
          isAccounted: record.isAccounted, context: record.context)
      }
      let cpu = Int(record.cpu)
      while streams.count <= cpu { streams.append([]) }
      streams[cpu].append(event)
      cpus.append(record.cpu)
      times.append(record.nanoseconds - origin)
    }
    return Trace(
      source: isPerf ? .perf : .ftrace, streams: streams,
      timeline: Timeline(cpus: cpus, nanoseconds: times), counts: counts, garbage: garbage)
  }

  /// By time; records of one time stay in the order of the file, which is the recorder's.
  private func ordered() -> [TraceLine.Record] {
    if isOrdered { return records }
    return records.indices.sorted {
      let (a, b) = (records[$0].nanoseconds, records[$1].nanoseconds)
      return a == b ? $0 < $1 : a < b
    }.map { records[$0] }
  }
}
