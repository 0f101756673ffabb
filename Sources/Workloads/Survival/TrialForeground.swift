import CPlatform
import CRecords

/// What the interrupted thread does.
enum TrialWork: String {
  /// malloc(64), free, again.
  case pair
  /// Random replacement among 512 objects; one in ten of up to 16 KiB.
  case mixed
  /// The same, and objects go to and come from another thread that does the same.
  case mt
}

/// One thread's objects and random numbers.
@safe struct TrialForeground {
  private static let live = 512
  private let state: UnsafeMutablePointer<TrialState>
  private let objects: UnsafeMutablePointer<ShadowObject>
  private var random: UInt64
  /// Sizes of 16…512 bytes only; and this is the thread that is interrupted.
  private let small: Bool
  private let isInterrupted: Bool
  private(set) var allocated: UInt64 = 0
  private(set) var freed: UInt64 = 0
  /// mt: to and from the other thread.
  var outgoing: UnsafeMutablePointer<ShadowRing>?
  var incoming: UnsafeMutablePointer<ShadowRing>?

  init(
    _ state: UnsafeMutablePointer<TrialState>, small: Bool, isInterrupted: Bool, seed: UInt64
  ) {
    self.small = small
    self.isInterrupted = isInterrupted
    unsafe self.state = unsafe state
    unsafe objects = unsafe mapped(ShadowObject.self, count: Self.live)
    random = seed | 1
    unsafe outgoing = nil
    unsafe incoming = nil
  }

  /// One operation.
  mutating func step(_ work: TrialWork) {
    if work == .pair {
      var object = allocate(64)
      free(&object)
      return
    }
    nextRandom(&random)
    let slot = Int(truncatingIfNeeded: (random &>> 20) % UInt64(Self.live))
    let draw = Int(truncatingIfNeeded: random &>> 40)
    let words = !small && draw % 10 == 0 ? 2 &+ draw % 2047 : 2 &+ draw % 63
    var old = unsafe objects[slot]
    if work == .mt, draw & 1 == 0, unsafe outgoing.unsafelyUnwrapped.pointee.push(old) {
      // Another thread frees it.
    } else {
      free(&old)
    }
    unsafe objects[slot] = allocate(words &* 8)
    if work == .mt, var gift = unsafe incoming.unsafelyUnwrapped.pointee.pop() { free(&gift) }
  }

  /// Frees everything; signals are off and the other thread is done.
  mutating func releaseAll() {
    for index in 0..<Self.live { unsafe free(&objects[index]) }
    while let ring = unsafe incoming, var gift = unsafe ring.pointee.pop() { free(&gift) }
  }

  private mutating func allocate(_ size: Int) -> ShadowObject {
    if isInterrupted { unsafe state.pointee.current = size }
    let address = unsafe state.pointee.calls.allocate(size, 0, -1)
    let object = unsafe ShadowObject(address: address, size: size)
    if unsafe address != nil { allocated &+= 1 }
    object.fill()
    return object
  }

  private mutating func free(_ object: inout ShadowObject) {
    guard let address = unsafe object.address else { return }
    unsafe state.pointee.checkOrEnd(object)
    unsafe object.address = nil
    if isInterrupted { unsafe state.pointee.current = object.size }
    unsafe state.pointee.calls.free(address)
    freed &+= 1
  }
}

/// Objects from one thread to another; one producer, one consumer, never waits.
@safe struct ShadowRing {
  private static let capacity: UInt64 = 256
  private let slots: UnsafeMutablePointer<ShadowObject>
  private var head: UInt64 = 0
  private var tail: UInt64 = 0

  init() { unsafe slots = unsafe mapped(ShadowObject.self, count: Int(Self.capacity)) }

  /// false if it is full, or `object` is none.
  mutating func push(_ object: ShadowObject) -> Bool {
    // Pairs with the release in `pop`.
    guard unsafe object.address != nil,
      unsafe tail &- nl_thread_load_acquire_64(&head) < Self.capacity
    else { return false }
    unsafe slots[Int(truncatingIfNeeded: tail % Self.capacity)] = object
    unsafe nl_thread_store_release_64(&tail, tail &+ 1)
    return true
  }

  mutating func pop() -> ShadowObject? {
    // Pairs with the release in `push`: the object's pattern is there.
    if unsafe head == nl_thread_load_acquire_64(&tail) { return nil }
    let object = unsafe slots[Int(truncatingIfNeeded: head % Self.capacity)]
    unsafe nl_thread_store_release_64(&head, head &+ 1)
    return object
  }
}
