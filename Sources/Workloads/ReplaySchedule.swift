import CRecords

/// Which thread does which events of a trace, in which order.
///
/// With as many threads as CPUs, thread i replays stream i as it is.  With fewer, stream i goes to
/// thread i mod T, merged in one order for all threads in which every free comes after its
/// allocation.  The earliest event of that order that is not done yet can always be done, whatever
/// thread it is on, so waiting for a remote allocation ends.
@safe struct ReplaySchedule {
  let threads: Int
  let allocationCount: Int
  /// By thread.
  let events: UnsafeMutablePointer<UnsafePointer<UInt64>>
  let counts: UnsafeMutablePointer<Int>
  /// Ids that the trace never frees, by the thread that allocates them.
  let leftovers: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>
  let leftoverCounts: UnsafeMutablePointer<Int>
  /// One pass's frees on a thread other than the allocation's.
  let remoteFrees: UInt64
  /// Whether any event has an interrupt context.
  let hasInterrupts: Bool
  /// One pointer per allocation: 0 not there, 1 failed, else the object.
  let slots: UnsafeMutablePointer<UInt>

  /// Checks each event: ids in range, allocated once, freed at most once and after the allocation,
  /// local or remote as it says.
  init(_ trace: TraceFile, path: String, threads: Int) throws(TraceError) {
    self.threads = threads
    allocationCount = trace.allocationCount
    // 0: not seen; stream + 1: allocated there; 0xffff: freed.
    let state = unsafe mapped(UInt16.self, count: allocationCount)
    var lists = [[UInt64]](repeating: [], count: threads)
    for thread in 0..<threads { lists[thread].reserveCapacity(trace.eventCount / threads + 1) }
    let merged = threads < trace.cpuCount
    var cursors = [Int](repeating: 0, count: trace.cpuCount)
    var remoteInTrace: UInt64 = 0
    var remote: UInt64 = 0
    var interrupts = false
    var done = 0
    while done < trace.eventCount {
      // Frees as soon as they can be done, otherwise the earliest allocation.
      var next = -1
      var nextID = UInt32.max
      for cpu in 0..<trace.cpuCount {
        let stream = unsafe trace.streams[cpu]
        while unsafe cursors[cpu] < stream.count {
          let event = unsafe stream.start[cursors[cpu]]
          let id = UInt32(truncatingIfNeeded: event)
          let op = UInt32(truncatingIfNeeded: event >> 56) & 3
          guard Int(id) < allocationCount, op != 3 else {
            throw TraceError(path, "CPU \(cpu), event \(cursors[cpu]): id \(id), operation \(op)")
          }
          if op == 0 {
            if next < 0 || id < nextID { (next, nextID) = (cpu, id) }
            break
          }
          let owner = unsafe state[Int(id)]
          if owner == 0 { break }
          guard owner != 0xffff, (Int(owner) - 1 == cpu) == (op == 1) else {
            throw TraceError(
              path,
              "CPU \(cpu), event \(cursors[cpu]): "
                + (owner == 0xffff
                  ? "allocation \(id) is freed twice"
                  : "the free of \(id) is not \(op == 1 ? "local" : "remote")"))
          }
          unsafe state[Int(id)] = 0xffff
          let isRemote = (Int(owner) - 1) % threads != cpu % threads
          remoteInTrace += op == 2 ? 1 : 0
          remote += isRemote ? 1 : 0
          if merged {
            lists[cpu % threads].append(event & ~(3 << 56) | (isRemote ? 2 : 1) << 56)
          }
          interrupts = interrupts || isInterrupt(event)
          cursors[cpu] += 1
          done += 1
        }
      }
      if done == trace.eventCount { break }
      guard next >= 0 else { throw TraceError(path, "a free comes before its allocation") }
      guard unsafe state[Int(nextID)] == 0 else {
        throw TraceError(path, "CPU \(next), event \(cursors[next]): \(nextID) is allocated twice")
      }
      let event = unsafe trace.streams[next].start[cursors[next]]
      unsafe state[Int(nextID)] = UInt16(next + 1)
      if merged { lists[next % threads].append(event) }
      interrupts = interrupts || isInterrupt(event)
      cursors[next] += 1
      done += 1
    }
    guard remoteInTrace == trace.remoteFrees else {
      throw TraceError(
        path, "the header says \(trace.remoteFrees) remote frees, the events \(remoteInTrace)")
    }
    remoteFrees = remote
    hasInterrupts = interrupts
    unsafe events = .allocate(capacity: threads)
    unsafe counts = .allocate(capacity: threads)
    unsafe leftovers = .allocate(capacity: threads)
    unsafe leftoverCounts = unsafe mapped(Int.self, count: threads)
    for thread in 0..<threads {
      if merged {
        let copy = unsafe mapped(UInt64.self, count: lists[thread].count)
        unsafe copy.update(from: lists[thread], count: lists[thread].count)
        unsafe events[thread] = UnsafePointer(copy)
        unsafe counts[thread] = lists[thread].count
      } else {
        unsafe events[thread] = trace.streams[thread].start
        unsafe counts[thread] = trace.streams[thread].count
      }
    }
    for id in 0..<allocationCount {
      let owner = unsafe state[id]
      if owner != 0 && owner != 0xffff { unsafe leftoverCounts[(Int(owner) - 1) % threads] += 1 }
    }
    for thread in 0..<threads {
      unsafe leftovers[thread] = mapped(UInt32.self, count: leftoverCounts[thread])
      unsafe leftoverCounts[thread] = 0
    }
    for id in 0..<allocationCount {
      let owner = unsafe state[id]
      if owner == 0 || owner == 0xffff { continue }
      let thread = (Int(owner) - 1) % threads
      unsafe leftovers[thread][leftoverCounts[thread]] = UInt32(id)
      unsafe leftoverCounts[thread] += 1
    }
    unsafe slots = unsafe mapped(UInt.self, count: allocationCount)
  }
}

/// Whether an event was recorded in interrupt context or with interrupts off.
@inline(__always)
func isInterrupt(_ event: UInt64) -> Bool {
  let context = (event &>> 60) & 7
  return context >= UInt64(NL_TRACE_SOFTIRQ.rawValue)
    && context <= UInt64(NL_TRACE_IRQS_OFF.rawValue)
}
