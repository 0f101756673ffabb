import CPlatform

/// Objects on their way from one thread's handler to one other thread: a bounded queue with one
/// producer and one consumer.  Async-signal-safe on both sides: it never waits.
@safe struct HandoffRing {
  static let capacity: UInt64 = 256
  private let slots: UnsafeMutablePointer<HeldObject>
  /// Next to read; written by the consumer.
  private var head: UInt64 = 0
  /// Next to write; written by the producer.
  private var tail: UInt64 = 0

  init() { unsafe slots = unsafe mapped(HeldObject.self, count: Int(Self.capacity)) }

  /// false if it is full.
  @inline(__always)
  mutating func push(_ object: HeldObject) -> Bool {
    let at = tail
    // Pairs with the release in `pop`: the slot was read before it is written again.
    if unsafe at &- nl_thread_load_acquire_64(&head) >= Self.capacity { return false }
    unsafe slots[Int(truncatingIfNeeded: at % Self.capacity)] = object
    // Pairs with the acquire in `pop`: the object and its pattern are there.
    unsafe nl_thread_store_release_64(&tail, at &+ 1)
    return true
  }

  @inline(__always)
  mutating func pop() -> HeldObject? {
    let at = head
    if unsafe at == nl_thread_load_acquire_64(&tail) { return nil }
    let object = unsafe slots[Int(truncatingIfNeeded: at % Self.capacity)]
    unsafe nl_thread_store_release_64(&head, at &+ 1)
    return object
  }
}
