import CNolock
import CPlatform
import CRecords

/// What a trial's handler does with the allocator.
enum TrialHandler: String {
  /// One object, freed at once: the weak test that unsafe allocators pass.
  case pair
  /// 32 objects live across signals, the oldest 8 replaced by each.
  case hold
  /// 64 objects of the signal before are freed, 64 new ones allocated.
  case burst

  var objects: Int { self == .pair ? 1 : self == .hold ? 32 : 64 }
  /// Frees and allocations per signal.
  var replaced: Int { self == .pair ? 1 : self == .hold ? 8 : 64 }
}

/// An object that carries a pattern of its address in every word.
@safe struct ShadowObject {
  var address: UnsafeMutableRawPointer?
  var size = 0

  private func word(_ offset: Int) -> UInt64 {
    let base = unsafe UInt64(UInt(bitPattern: address))
    return base ^ 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: offset) &<< 48
  }

  /// Writes the pattern; sizes are multiples of 8.
  @inline(__always)
  func fill() {
    guard let address = unsafe address else { return }
    var offset = 0
    while offset < size {
      unsafe address.storeBytes(of: word(offset), toByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    nl_thread_handler_fence()
  }

  /// Whether it is intact; defaces it, so that a second holder of this memory finds out.
  @inline(__always)
  func check() -> Bool {
    guard let address = unsafe address else { return true }
    nl_thread_handler_fence()
    var intact = true
    var offset = 0
    while offset < size {
      intact =
        unsafe address.load(fromByteOffset: offset, as: UInt64.self) == word(offset) && intact
      unsafe address.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    nl_thread_handler_fence()
    return intact
  }
}

/// Everything that the interrupted thread and its handlers touch, in mapped memory.
@safe struct TrialState {
  let progress: UnsafeMutablePointer<nl_survival>
  let calls: Calls
  /// What handlers call: the nolock calls where the subject has them.
  let allocate: Allocate
  let free: Free
  let handler: TrialHandler
  /// The size that the foreground is asking for or freeing.
  var current = 64
  /// Half of what handlers want is of the foreground's own size.  Not all: to free and allocate as
  /// many of one size puts the very list back that an unguarded pop had seen.
  private let ownSize: Bool
  let cost = LatencyHistogram()
  /// Nanoseconds per tick × 2³².
  let multiplier: UInt64
  private let held: UnsafeMutablePointer<ShadowObject>
  private let sizes: UnsafeMutablePointer<Int>
  private var oldest = 0
  private var random: UInt64
  /// 1 while signals are the trial's.
  var armed: UInt32 = 0
  /// Handlers' own count; the foreground has another.
  private(set) var allocated: UInt64 = 0
  private(set) var freed: UInt64 = 0

  init(
    progress: UnsafeMutablePointer<nl_survival>, calls: Calls, _ ops: nolock_ops,
    handler: TrialHandler, ownSize: Bool, multiplier: UInt64, seed: UInt64
  ) {
    self.ownSize = ownSize
    unsafe self.progress = unsafe progress
    self.calls = calls
    unsafe allocate = unsafe ops.kmalloc_nolock ?? ops.kmalloc
    unsafe free = unsafe ops.kfree_nolock ?? ops.kfree
    self.handler = handler
    self.multiplier = multiplier
    unsafe held = unsafe mapped(ShadowObject.self, count: 64)
    unsafe sizes = unsafe mapped(Int.self, count: 64)
    random = seed | 1
  }

  /// One signal.  Async-signal-safe as far as the allocator is: that is the experiment.
  mutating func signal() {
    let count = handler.replaced
    var index = 0
    while index != count {
      nextRandom(&random)
      // 16…512 bytes, whole words; pair: always 64.
      let drawn = 16 &+ Int(truncatingIfNeeded: (random &>> 24) % 63) &* 8
      unsafe sizes[index] = handler == .pair ? 64 : ownSize && random &>> 63 == 0 ? current : drawn
      unsafe checkOrEnd(held[(oldest &+ index) % handler.objects])
      index &+= 1
    }
    let start = nl_clock_ticks()
    index = 0
    while index != count {
      let slot = (oldest &+ index) % handler.objects
      if let address = unsafe held[slot].address {
        unsafe free(address)
        freed &+= 1
      }
      index &+= 1
    }
    index = 0
    while index != count {
      let slot = (oldest &+ index) % handler.objects
      let address = unsafe allocate(sizes[index], 0, -1)
      unsafe held[slot].address = address
      unsafe held[slot].size = sizes[index]
      if unsafe address == nil {
        unsafe progress.pointee.nulls &+= 1
      } else {
        allocated &+= 1
      }
      index &+= 1
    }
    let middle = nl_clock_ticks()
    var ticks = middle &- start
    index = 0
    while index != count {
      unsafe held[(oldest &+ index) % handler.objects].fill()
      index &+= 1
    }
    if handler == .pair {
      unsafe checkOrEnd(held[0])
      if let address = unsafe held[0].address {
        let again = nl_clock_ticks()
        unsafe free(address)
        ticks &+= nl_clock_ticks() &- again
        freed &+= 1
      }
      unsafe held[0].address = nil
    }
    oldest = (oldest &+ count) % handler.objects
    let product = ticks.multipliedFullWidth(by: multiplier)
    cost.record(product.high &<< 32 | product.low &>> 32)
    unsafe progress.pointee.signals &+= 1
  }

  /// Ends the process where an object is not what its holder wrote.
  @inline(__always)
  func checkOrEnd(_ object: ShadowObject) {
    if !object.check() { endCorrupt() }
  }

  @inline(never)
  func endCorrupt() {
    unsafe progress.pointee.verdict = UInt64(NL_SURVIVAL_CORRUPT.rawValue)
    nl_boundary_exit(Int32(NL_SURVIVAL_EXIT_CORRUPT))
  }

  /// Frees what handlers hold, by the ordinary call, signals off.
  mutating func releaseAll() {
    for index in 0..<handler.objects {
      guard let address = unsafe held[index].address else { continue }
      unsafe checkOrEnd(held[index])
      unsafe held[index].address = nil
      unsafe calls.free(address)
      freed &+= 1
    }
  }
}
