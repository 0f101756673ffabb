import CPlatform

/// One thread's place in a trace whose interrupt contexts are kept.
struct ReplayState {
  /// Next event; the handler moves it over a run of interrupt events.
  var cursor: Int = 0
  var end: Int = 0
}

/// What a slot holds instead of an object whose allocation returned NULL: its free is left out.
private let failedSlot: UInt = 1
/// NOLOCK_ZERO_SIZE_PTR: not an object, though it may be freed.
private let zeroSize: UInt = 16

/// What a pass did, besides its events.
struct ReplayOutcome {
  var allocated: UInt64 = 0
  var freed: UInt64 = 0
  var failed: UInt64 = 0
  var zeroSized: UInt64 = 0
  var remote: UInt64 = 0
  var early: UInt64 = 0
}

/// Replays `count` events in task context.  Objects of 8 bytes and more get their word.
@inline(never)
func replayLoop(
  _ allocate: Allocate, _ free: Free, _ gfpMask: UInt32, _ slots: UnsafeMutablePointer<UInt>,
  _ events: UnsafePointer<UInt64>, _ count: Int
) -> ReplayOutcome {
  var outcome = ReplayOutcome()
  var index = 0
  while index != count {
    let event = unsafe events[index]
    index &+= 1
    let slot = unsafe slots + Int(UInt32(truncatingIfNeeded: event))
    let operation = (event &>> 56) & 3
    if operation == 0 {
      unsafe replayAllocation(event, slot, allocate, gfpMask, &outcome)
      continue
    }
    if operation == 2 { outcome.remote &+= 1 }
    let object = unsafe operation == 1 ? slot.pointee : remoteObject(slot)
    unsafe slot.pointee = 0
    if object > zeroSize {
      outcome.freed &+= 1
      unsafe free(UnsafeMutableRawPointer(bitPattern: object))
    } else if object == zeroSize {
      unsafe free(UnsafeMutableRawPointer(bitPattern: object))
    } else if object == 0 {
      outcome.early &+= 1
    }
  }
  return outcome
}

@inline(__always)
private func replayAllocation(
  _ event: UInt64, _ slot: UnsafeMutablePointer<UInt>, _ allocate: Allocate, _ gfpMask: UInt32,
  _ outcome: inout ReplayOutcome
) {
  let size = Int(truncatingIfNeeded: (event &>> 32) & 0xffffff)
  let gfp = UInt32(truncatingIfNeeded: event &>> 58) & gfpMask
  let object = unsafe UInt(bitPattern: allocate(size, gfp, -1))
  if object > zeroSize {
    outcome.allocated &+= 1
    if size >= 8 { unsafe mark(UnsafeMutableRawPointer(bitPattern: object).unsafelyUnwrapped) }
    unsafe storeSlot(slot, object)
  } else if object == zeroSize {
    outcome.zeroSized &+= 1
    unsafe storeSlot(slot, object)
  } else {
    outcome.failed &+= 1
    unsafe storeSlot(slot, failedSlot)
  }
}

/// Waits until another thread has allocated the object: spinning, then giving the CPU away.
@inline(__always)
private func remoteObject(_ slot: UnsafeMutablePointer<UInt>) -> UInt {
  let object = unsafe loadSlot(slot)
  return unsafe object != 0 ? object : waitForObject(slot)
}

@inline(never)
private func waitForObject(_ slot: UnsafeMutablePointer<UInt>) -> UInt {
  var spins = 0
  while true {
    let object = unsafe loadSlot(slot)
    if object != 0 { return object }
    nl_clock_relax()
    spins &+= 1
    // About 100 µs: a yield on a busy machine costs a whole time slice.
    if spins % 4096 == 0 { nl_thread_yield() }
  }
}

// A slot's release pairs with its acquire: who frees an object sees what was written to it.
@inline(__always)
private func loadSlot(_ slot: UnsafeMutablePointer<UInt>) -> UInt {
  unsafe UInt(
    nl_thread_load_acquire_64(UnsafeRawPointer(slot).assumingMemoryBound(to: UInt64.self)))
}
@inline(__always)
private func storeSlot(_ slot: UnsafeMutablePointer<UInt>, _ object: UInt) {
  unsafe nl_thread_store_release_64(
    UnsafeMutableRawPointer(slot).assumingMemoryBound(to: UInt64.self), UInt64(object))
}

/// Replays a pass in which runs of interrupt events are issued from a signal handler, one signal
/// per run.  Slow by design: each run costs a signal.
func replayWithContexts(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ schedule: ReplaySchedule, _ calls: Calls
) -> ReplayOutcome {
  let thread = unsafe block.pointee.index
  let events = unsafe schedule.events[thread]
  let count = unsafe schedule.counts[thread]
  let own = nl_thread_id()
  var total = ReplayOutcome()
  var index = 0
  while index != count {
    if unsafe isInterrupt(events[index]) {
      // A handler must not wait for another thread, so its first free waits here.
      if unsafe (events[index] &>> 56) & 3 == 2 {
        _ = unsafe remoteObject(schedule.slots + Int(UInt32(truncatingIfNeeded: events[index])))
      }
      unsafe block.pointee.replay.cursor = index
      unsafe block.pointee.replay.end = count
      // Delivered before the call returns: the signal is this thread's own and not blocked.
      _ = nl_signal_send(own, NL_SIGNAL_REPLAY)
      nl_thread_handler_fence()
      guard unsafe block.pointee.replay.cursor != index else {
        fatalError("nolock-sample: the replay's signal was not delivered")
      }
      index = unsafe block.pointee.replay.cursor
      continue
    }
    var end = index &+ 1
    while end != count, unsafe !isInterrupt(events[end]) { end &+= 1 }
    let part = unsafe replayLoop(
      calls.allocate, calls.free, calls.gfpMask, schedule.slots, events + index, end &- index)
    total.add(part)
    index = end
  }
  return total
}

/// In the handler: the events from the cursor on, up to the next one of task context or the next
/// remote free whose object is not there yet.
func replayInterruptRun(_ block: UnsafeMutablePointer<ThreadBlock>) {
  guard let schedule = unsafe block.pointee.shared.pointee.plan.schedule else { return }
  let calls = unsafe block.pointee.shared.pointee.calls
  let events = unsafe schedule.events[block.pointee.index]
  var index = unsafe block.pointee.replay.cursor
  let end = unsafe block.pointee.replay.end
  while index != end {
    let event = unsafe events[index]
    if !isInterrupt(event) { break }
    let slot = unsafe schedule.slots + Int(UInt32(truncatingIfNeeded: event))
    let operation = (event &>> 56) & 3
    if operation == 0 {
      let size = Int(truncatingIfNeeded: (event &>> 32) & 0xffffff)
      let gfp = UInt32(truncatingIfNeeded: event &>> 58) & calls.gfpMask
      let object = unsafe block.pointee.traffic.allocate(size, gfp: gfp, &block.pointee.counts)
      let address = unsafe UInt(bitPattern: object.address)
      if address > zeroSize, size >= 8 { unsafe mark(object.address.unsafelyUnwrapped) }
      unsafe storeSlot(slot, address == 0 ? failedSlot : address)
    } else {
      let address = unsafe loadSlot(slot)
      if address == 0 {
        if operation == 2 { break }
        unsafe block.pointee.counts.handlerEarlyFrees &+= 1
      }
      unsafe slot.pointee = 0
      if operation == 2 { unsafe block.pointee.counts.handlerRemoteFrees &+= 1 }
      if address > zeroSize {
        unsafe block.pointee.traffic.release(
          UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped, &block.pointee.counts)
      }
    }
    index &+= 1
    unsafe block.pointee.counts.handlerOperations &+= 1
  }
  unsafe block.pointee.replay.cursor = index
}

extension ReplayOutcome {
  mutating func add(_ other: ReplayOutcome) {
    allocated &+= other.allocated
    freed &+= other.freed
    failed &+= other.failed
    zeroSized &+= other.zeroSized
    remote &+= other.remote
    early &+= other.early
  }
}

/// Frees what the trace never frees, outside the measured part; all slots are empty afterwards.
func freeLeftovers(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ schedule: ReplaySchedule, _ calls: Calls
) {
  let thread = unsafe block.pointee.index
  for index in 0..<(unsafe schedule.leftoverCounts[thread]) {
    let slot = unsafe schedule.slots + Int(schedule.leftovers[thread][index])
    let object = unsafe slot.pointee
    unsafe slot.pointee = 0
    if object <= failedSlot { continue }
    unsafe calls.free(UnsafeMutableRawPointer(bitPattern: object))
    if object != zeroSize { unsafe block.pointee.counts.freed &+= 1 }
  }
}
