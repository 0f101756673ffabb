/// Why a set of streams cannot be replayed: the first wrong event.
struct StreamFault: Error {
  let cpu: Int
  let event: Int
  let problem: String
}

/// Checks that streams can be replayed; a replayer relies on all of it without looking again.
///
/// Every id below `allocationCount` is allocated exactly once and freed at most once; ids grow in
/// each stream; a local free stands behind its allocation in the same stream, a remote one in
/// another; and the streams, each waiting at its remote frees, all reach their end.
struct StreamCheck {
  private(set) var tally = Tally()
  private let streams: [[TraceEvent]]
  /// By id; -1 = not allocated.
  private var allocatingCPU: [Int16]

  /// - Throws: `StreamFault`.
  init(_ streams: [[TraceEvent]], allocationCount: UInt64) throws {
    let events = streams.reduce(0) { $0 + $1.count }
    guard allocationCount <= UInt64(events) else {
      throw StreamFault(
        cpu: 0, event: 0, problem: "\(allocationCount) allocations in \(events) events")
    }
    self.streams = streams
    allocatingCPU = [Int16](repeating: -1, count: Int(allocationCount))
    try checkAllocations()
    try checkFrees()
    try checkProgress()
    guard tally.allocations == allocationCount else {
      throw StreamFault(
        cpu: 0, event: 0,
        problem: "\(tally.allocations) allocations, the header says \(allocationCount)")
    }
  }

  private mutating func checkAllocations() throws {
    for (cpu, stream) in streams.enumerated() {
      var smallest: UInt32 = 0
      for (index, event) in stream.enumerated() {
        func fault(_ problem: String) -> StreamFault {
          StreamFault(cpu: cpu, event: index, problem: problem)
        }
        guard let operation = event.checkedOperation else { throw fault("operation 3") }
        guard event.checkedContext != nil, !event.isReserved else {
          throw fault("context \(event.kind >> 4); allowed: 0 to 5")
        }
        guard event.id < allocatingCPU.count else {
          throw fault("id \(event.id); allowed: below \(allocatingCPU.count)")
        }
        guard operation == .allocate else {
          guard event.size == 0, event.kind & 0xc == 0 else {
            throw fault("a free with size or flags")
          }
          continue
        }
        guard allocatingCPU[Int(event.id)] < 0 else { throw fault("id \(event.id) twice") }
        guard event.id >= smallest else { throw fault("id \(event.id) behind a larger one") }
        smallest = event.id
        allocatingCPU[Int(event.id)] = Int16(cpu)
        tally.allocations += 1
      }
    }
  }

  private mutating func checkFrees() throws {
    var freed = [Bool](repeating: false, count: allocatingCPU.count)
    for (cpu, stream) in streams.enumerated() {
      for (index, event) in stream.enumerated() where !event.isAllocation {
        let id = Int(event.id)
        let isLocal = event.operation == .freeLocal
        guard allocatingCPU[id] >= 0, !freed[id], isLocal == (allocatingCPU[id] == cpu) else {
          let problem =
            if freed[id] { "id \(id) freed twice" } else if allocatingCPU[id] < 0 {
              "id \(id) freed and never allocated"
            } else {
              "a \(isLocal ? "local" : "remote") free of id \(id), allocated on CPU"
                + " \(allocatingCPU[id])"
            }
          throw StreamFault(cpu: cpu, event: index, problem: problem)
        }
        freed[id] = true
        if isLocal { tally.localFrees += 1 } else { tally.remoteFrees += 1 }
      }
    }
  }

  /// Runs every stream until it waits, round and round, until nothing moves.
  private func checkProgress() throws {
    var allocated = [Bool](repeating: false, count: allocatingCPU.count)
    var next = [Int](repeating: 0, count: streams.count)
    var moved = true
    while moved {
      moved = false
      for cpu in streams.indices {
        let stream = streams[cpu]
        while next[cpu] < stream.count {
          let event = stream[next[cpu]]
          if event.isAllocation {
            allocated[Int(event.id)] = true
          } else if !allocated[Int(event.id)] {
            break
          }
          next[cpu] += 1
          moved = true
        }
      }
    }
    if let cpu = streams.indices.first(where: { next[$0] < streams[$0].count }) {
      throw StreamFault(
        cpu: cpu, event: next[cpu],
        problem: "the free of id \(streams[cpu][next[cpu]].id) can never follow its allocation")
    }
  }
}
