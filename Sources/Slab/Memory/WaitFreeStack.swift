import CPlatform

/// A stack that any context may push on, in a fixed number of steps.
///
/// A push exchanges the head and then links the old head behind the new node.  Between the two, the
/// node's link is `pending`, and the consumer, of which there is one at a time, stops there and
/// comes back later.  A compare-and-exchange loop would need a cap: a handler at every instruction
/// starves it.
enum WaitFreeStack {
  /// The link of a node whose push is under way; no object has this address.
  @inline(__always)
  static var pending: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: 1).unsafelyUnwrapped
  }

  /// Pushes `node`, whose link is at `link`; true if the stack was empty.
  ///
  /// - Context: any.  Progress: wait-free, three stores.
  /// - Ordering: release at both stores; pairs with the acquire of `takeAll` and `next`.
  @inline(__always)
  static func push(_ head: Slot, _ node: UnsafeMutableRawPointer, link: Slot) -> Bool {
    #if !NOLOCK_BROKEN_NO_PENDING
      unsafe nl_store_pointer(link, pending)
    #endif
    let old = unsafe nl_swap_pointer(head, node)
    unsafe nl_store_pointer(link, old)
    return unsafe old == nil
  }

  /// Takes the whole chain, newest first.
  @inline(__always)
  static func takeAll(_ head: Slot) -> UnsafeMutableRawPointer? {
    // Without this look an empty list would cost a locked instruction at every drain.
    if unsafe nl_load_pointer(head) == nil { return nil }
    return unsafe nl_swap_pointer(head, nil)
  }
}
