import CPlatform

/// What a handler of one thread does with the allocator: objects outlive the signal that allocated
/// them, arrive in bursts, and are freed by other threads.  A handler that frees what it just
/// allocated would test nothing.
@safe struct HandlerTraffic {
  static let heldCount = 32
  static let burstCount = 64
  /// One signal in so many brings a burst.  Fewer than the interrupts of the shortest sample
  /// (harness.md: 20 per thread), so that each sample holds one.
  static let burstPeriod: UInt64 = 16
  /// One signal in so many passes an object on instead of freeing it.
  static let handPeriod: UInt64 = 4

  let calls: Calls
  let mix: SizeTable
  /// Nanoseconds per tick × 2³².
  let multiplier: UInt64
  let checked: Bool
  /// kunit: the size of what a handler allocates and frees at once; 0 for every other workload.
  private let kunitSize: Int
  let latency: LatencyHistogram
  private let held: UnsafeMutablePointer<HeldObject>
  private let burst: UnsafeMutablePointer<HeldObject>
  /// Signals so far, from a start of its own in each sample: which signals bring a burst and which
  /// pass an object on must not be the same in all.
  private var turn: UInt64
  private var random: UInt64
  /// Where objects are passed on to; nil with one thread for `nextHandler`.
  var nextForeground: UnsafeMutablePointer<HandoffRing>?
  var nextHandler: UnsafeMutablePointer<HandoffRing>?

  init(
    calls: Calls, mix: SizeTable, multiplier: UInt64, checked: Bool, kunitSize: Int, seed: UInt64
  ) {
    self.kunitSize = kunitSize
    self.calls = calls
    self.mix = mix
    self.multiplier = multiplier
    self.checked = checked
    latency = LatencyHistogram()
    unsafe held = unsafe mapped(HeldObject.self, count: Self.heldCount)
    unsafe burst = unsafe mapped(HeldObject.self, count: Self.burstCount)
    unsafe nextForeground = nil
    unsafe nextHandler = nil
    random = seed | 1
    turn = (seed >> 8) % Self.burstPeriod
  }

  /// Brings it to its steady state: held objects and a burst are alive, others were passed on.
  /// Context: task, with interrupts off.
  mutating func prime(_ counts: inout Counts, own: inout HandoffRing) {
    for _ in 0..<max(2 * Self.burstPeriod, 2 * UInt64(Self.heldCount)) {
      signal(&counts, own: &own)
    }
  }

  /// One signal.  Async-signal-safe; `own` is what other threads' handlers passed to this one.
  mutating func signal(_ counts: inout Counts, own: inout HandoffRing) {
    let turn = self.turn
    self.turn = turn &+ 1
    if kunitSize != 0 {
      kunitSignal(turn, &counts)
      return
    }
    var taken = 0
    while taken != 8, let object = own.pop() {
      release(object, &counts)
      taken &+= 1
    }
    let slot = Int(truncatingIfNeeded: turn % UInt64(Self.heldCount))
    let old = unsafe held[slot]
    if turn % Self.handPeriod != 0 || !hand(old, turn / Self.handPeriod, &counts) {
      release(old, &counts)
    }
    unsafe held[slot] = allocate(&counts)
    if turn % Self.burstPeriod == Self.burstPeriod &- 1 {
      counts.bursts &+= 1
      var index = 0
      while index != Self.burstCount {
        unsafe release(burst[index], &counts)
        index &+= 1
      }
      index = 0
      while index != Self.burstCount {
        unsafe burst[index] = allocate(&counts)
        index &+= 1
      }
    }
  }

  /// The handler of slub_kunit's merged test (kernel-reference §6.1): plain and accounted by turns,
  /// freed at once, by kfree_rcu_nolock on two of four signals where there is one.
  private mutating func kunitSignal(_ turn: UInt64, _ counts: inout Counts) {
    let gfp = turn & 1 == 0 ? 0 : calls.accountFlag
    let object = allocate(kunitSize, gfp: gfp, &counts)
    guard let address = unsafe object.address else { return }
    if turn & 2 != 0, let freeLater = unsafe calls.freeRCUNolock {
      unsafe freeLater(address)
      counts.handlerFreed &+= 1
    } else {
      unsafe release(address, &counts)
    }
  }

  /// Passes `object` to another thread, by turns to its foreground and to its handler.
  @inline(__always)
  private mutating func hand(_ object: HeldObject, _ turn: UInt64, _ counts: inout Counts) -> Bool {
    guard unsafe object.address != nil else { return false }
    let ring = unsafe turn % 2 == 0 ? nextForeground : (nextHandler ?? nextForeground)
    guard let ring = unsafe ring, unsafe ring.pointee.push(object) else { return false }
    counts.handed &+= 1
    return true
  }

  @inline(__always)
  private mutating func allocate(_ counts: inout Counts) -> HeldObject {
    nextRandom(&random)
    let size = unsafe Int(mix.sizes[Int(truncatingIfNeeded: (random &>> 20) & mix.mask)])
    let object = allocate(size, gfp: 0, &counts)
    if checked { object.mark() }
    return object
  }

  /// kmalloc_nolock(), timed and counted.  Mutating only so that `self` is not copied.
  @inline(never)
  mutating func allocate(_ size: Int, gfp: UInt32, _ counts: inout Counts) -> HeldObject {
    let start = nl_clock_ticks()
    let address = unsafe calls.allocateNolock.unsafelyUnwrapped(size, gfp, -1)
    record(since: start)
    counts.attempts &+= 1
    if unsafe address == nil {
      counts.handlerFailed &+= 1
    } else if UInt(bitPattern: address) == 16 {
      counts.handlerZeroSized &+= 1
    } else if let usableSize = unsafe calls.usableSize,
      unsafe usableSize(address) > bucket(for: size)
    {
      counts.nextBucket &+= 1
    } else {
      counts.first &+= 1
    }
    return unsafe HeldObject(address: address, size: size)
  }

  /// kfree_nolock() of an object that carries the pattern.
  @inline(__always)
  private mutating func release(_ object: HeldObject, _ counts: inout Counts) {
    guard let address = unsafe object.address else { return }
    if checked, !object.unmark() { counts.handlerMismatches &+= 1 }
    unsafe release(address, &counts)
  }

  /// kfree_nolock(), timed and counted.
  @inline(never)
  mutating func release(_ address: UnsafeMutableRawPointer, _ counts: inout Counts) {
    let start = nl_clock_ticks()
    unsafe calls.freeNolock.unsafelyUnwrapped(address)
    record(since: start)
    counts.handlerFreed &+= 1
  }

  @inline(__always)
  private mutating func record(since start: UInt64) {
    let ticks = nl_clock_ticks() &- start
    let product = ticks.multipliedFullWidth(by: multiplier)
    latency.record(product.high &<< 32 | product.low &>> 32)
  }

  /// Frees what is still held, in task context, with interrupts off.
  func releaseAll(_ counts: inout Counts) {
    for index in 0..<Self.heldCount {
      unsafe releaseInTask(&held[index], calls, checked: checked, &counts)
    }
    for index in 0..<Self.burstCount {
      unsafe releaseInTask(&burst[index], calls, checked: checked, &counts)
    }
  }
}

/// Frees an object of a handler from task context: kfree().
@inline(never)
func releaseInTask(
  _ object: inout HeldObject, _ calls: Calls, checked: Bool, _ counts: inout Counts
) {
  guard let address = unsafe object.address else { return }
  if checked, !object.unmark() { counts.mismatches &+= 1 }
  unsafe object.address = nil
  unsafe calls.free(address)
  counts.freed &+= 1
}
