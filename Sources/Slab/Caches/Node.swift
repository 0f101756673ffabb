import CPlatform

/// The slabs of one cache that have free objects, under list_lock.
@safe
struct Node {
  let pointer: UnsafeMutablePointer<nl_node>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_node>) { unsafe self.pointer = pointer }

  @inline(__always)
  var lock: CentralLock { unsafe CentralLock(nl_node_at_lock(pointer), nl_get_class_list_lock()) }

  @inline(__always)
  var head: Slab? {
    get { unsafe pointer.pointee.head.map { unsafe Slab($0) } }
    nonmutating set { unsafe pointer.pointee.head = newValue?.pointer }
  }
  @inline(__always)
  var tail: Slab? {
    get { unsafe pointer.pointee.tail.map { unsafe Slab($0) } }
    nonmutating set { unsafe pointer.pointee.tail = newValue?.pointer }
  }

  /// Slabs on the list.
  @inline(__always)
  var count: Int { unsafe Int(pointer.pointee.partial_count) }

  /// The same, read without the lock.
  @inline(__always)
  var racyCount: UInt32 { unsafe nl_load_u32(&pointer.pointee.partial_count) }

  // List operations, lock held.  Who holds it may vanish at any instruction (LeftLocks.swift), so one
  // store links or unlinks a slab in the forward chain, and a slab says that it is on the list only
  // while it is.

  /// At the tail: freed slabs may fill up before they are used again.
  @inline(__always)
  func append(_ slab: Slab) {
    let last = tail
    slab.next = nil
    slab.previous = last
    nl_signal_fence()
    if let last { last.next = slab } else { head = slab }
    nl_signal_fence()
    tail = slab
    slab.isOnPartial = true
    unsafe pointer.pointee.partial_count &+= 1
  }

  /// At the head, where allocation takes from.
  @inline(__always)
  func prepend(_ slab: Slab) {
    let first = head
    slab.previous = nil
    slab.next = first
    nl_signal_fence()
    head = slab
    nl_signal_fence()
    if let first { first.previous = slab } else { tail = slab }
    slab.isOnPartial = true
    unsafe pointer.pointee.partial_count &+= 1
  }

  @inline(__always)
  func remove(_ slab: Slab) {
    let next = slab.next
    let previous = slab.previous
    slab.isOnPartial = false
    nl_signal_fence()
    if let previous { previous.next = next } else { head = next }
    nl_signal_fence()
    if let next { next.previous = previous } else { tail = previous }
    unsafe pointer.pointee.partial_count &-= 1
  }
}

extension Instance {
  /// Takes list_lock, counting a nolock caller that finds it held.
  @inline(__always)
  func enter<M: CallMode>(_ node: Node, _ caller: VCPU, _ mode: M.Type) -> Bool {
    if node.lock.acquire(caller, M.self) {
      probePoint(NL_PROBE_LIST_LOCK)
      return true
    }
    count(caller, .listLockBusy)
    return false
  }

  @inline(__always)
  func append(_ caller: VCPU, _ node: Node, _ slab: Slab) {
    node.append(slab)
    count(caller, .partialAdd)
  }

  @inline(__always)
  func remove(_ caller: VCPU, _ node: Node, _ slab: Slab) {
    node.remove(slab)
    count(caller, .partialRemove)
  }
}
