import CPlatform

/// Objects on their way from the thread that allocates them to the one that frees them: a bounded
/// queue with one producer and one consumer.
///
/// Indices are published every `publication` objects, so that the queue's own traffic between the
/// processors does not hide the allocator's.  Allocation and free stay one object at a time: an
/// allocator that batches does so by itself.
@safe struct TransferRing {
  static let capacity = 1024
  private static let publication: UInt64 = 128

  private let slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// Written by the producer, the consumer and the producer: each on cache lines of its own.
  private let tail: UnsafeMutablePointer<UInt64>
  private let head: UnsafeMutablePointer<UInt64>
  private let closed: UnsafeMutablePointer<UInt64>

  init() {
    unsafe slots = unsafe mapped(UnsafeMutableRawPointer?.self, count: Self.capacity)
    let words = unsafe mapped(UInt64.self, count: 48)
    unsafe tail = words
    unsafe head = words + 16
    unsafe closed = words + 32
  }

  /// Producer, while the consumer does not run.
  func open() { unsafe nl_thread_store_release_64(closed, 0) }
  /// Producer: nothing more comes.  Pairs with the acquire in `receive`.
  func close() { unsafe nl_thread_store_release_64(closed, 1) }

  /// Allocates and sends `count` objects; waits where the ring is full.
  @inline(__always)
  func send(_ allocate: Allocate, _ mix: SizeTable, _ count: UInt64) -> LoopOutcome {
    let mask = mix.mask
    let sizes = unsafe mix.sizes
    let room = UInt64(Self.capacity)
    var next = unsafe tail.pointee
    // Pairs with the release in `receive`: the slot was read before it is written again.
    var end = unsafe nl_thread_load_acquire_64(head) &+ room
    var outcome = LoopOutcome()
    var left = count
    while left != 0 {
      left &-= 1
      let object = unsafe allocate(Int(sizes[Int(truncatingIfNeeded: left & mask)]), 0, -1)
      guard let object = unsafe object else {
        outcome.failed &+= 1
        continue
      }
      unsafe mark(object)
      if next == end {
        unsafe nl_thread_store_release_64(tail, next)
        var spins = 0
        repeat {
          wait(&spins)
          unsafe end = nl_thread_load_acquire_64(head) &+ room
        } while next == end
      }
      unsafe slots[Int(truncatingIfNeeded: next % room)] = object
      next &+= 1
      if next % Self.publication == 0 { unsafe nl_thread_store_release_64(tail, next) }
    }
    unsafe nl_thread_store_release_64(tail, next)
    // Freed by the partner.
    outcome.empty = count
    return outcome
  }

  /// Frees at most `limit` objects.  Waits for the first; fewer than `limit`: closed and empty.
  @inline(__always)
  func receive(_ free: Free, checked: Bool, atMost limit: UInt64) -> (freed: UInt64, bad: UInt64) {
    let room = UInt64(Self.capacity)
    var next = unsafe head.pointee
    var freed: UInt64 = 0
    var bad: UInt64 = 0
    var spins = 0
    while freed != limit {
      // Pairs with the releases in `send`: the object, and the producer's last word on it.
      let isClosed = unsafe nl_thread_load_acquire_64(closed) == 1
      let end = unsafe nl_thread_load_acquire_64(tail)
      if next == end {
        if isClosed { break }
        wait(&spins)
        continue
      }
      spins = 0
      while next != end, freed != limit {
        if let object = unsafe slots[Int(truncatingIfNeeded: next % room)] {
          if checked, unsafe !unmark(object) { bad &+= 1 }
          unsafe free(object)
        }
        next &+= 1
        freed &+= 1
        if next % Self.publication == 0 { unsafe nl_thread_store_release_64(head, next) }
      }
      unsafe nl_thread_store_release_64(head, next)
    }
    return (freed, bad)
  }

  /// The partner may share this processor.
  @inline(__always)
  private func wait(_ spins: inout Int) {
    nl_clock_relax()
    spins &+= 1
    if spins % 256 == 0 { nl_thread_yield() }
  }
}

/// `handoff`, the thread that allocates.
@inline(never)
func sendLoop(
  _ allocate: Allocate, _ mix: SizeTable, _ ring: TransferRing?, _ count: UInt64
) -> LoopOutcome {
  guard let ring else { return LoopOutcome() }
  return unsafe ring.send(allocate, mix, count)
}

/// `handoff`, the thread that frees.
@inline(never)
func receiveLoop(_ free: Free, _ ring: TransferRing, checked: Bool, _ limit: UInt64)
  -> (freed: UInt64, bad: UInt64)
{
  unsafe ring.receive(free, checked: checked, atMost: limit)
}

/// Frees what the partner sends until it closes the ring.
func receiveAll(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls
) {
  guard let ring = unsafe block.pointee.transfer else { return }
  let limit: UInt64 = plan.handlerAllocates ? 256 : .max
  while true {
    let (freed, bad) = unsafe receiveLoop(
      calls.free, ring, checked: plan.handlerAllocates && plan.checked, limit)
    unsafe block.pointee.counts.freed &+= freed
    unsafe block.pointee.counts.remoteFrees &+= freed
    unsafe block.pointee.counts.mismatches &+= bad
    if plan.handlerAllocates { unsafe drain(block, plan, calls) }
    if freed != limit { return }
  }
}
