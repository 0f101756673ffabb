import CPlatform

// Objects out of slabs.  Pops happen only under list_lock, or by the one thread that unlinked the
// slab: one popper at a time, so the freelist needs no tag against ABA.  Pushes (SlabFree.swift)
// may come at any moment; the exchange of both words sees them.

extension Instance {
  /// Retries of an exchange in a nolock call; pushes of other threads are the only reason.
  static var exchangeCap: Int { 8 }

  /// One object of `cache`'s node, from the partial list, else from a new slab; with more than one
  /// node also from the others (kernel-reference §3.8).
  ///
  /// Returns nil iff there are no pages, or list_lock was held and `M` may not wait.
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  /// - Complexity: `Nolock` is bounded: `exchangeCap` tries, one new slab.
  func allocateFromSlab<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    if nodeCount > 1 { return unsafe allocateAcrossNodes(caller, cache, M.self) }
    var busy = false
    if let object = unsafe takePartial(caller, cache, M.self, &busy) { return unsafe object }
    return unsafe busy ? nil : allocateFromNewSlab(caller, cache, M.self)
  }

  /// One object from a slab of the partial list; `busy` if list_lock was held and `M` may not wait.
  @inline(__always)
  func takePartial<M: CallMode>(
    _ caller: VCPU, _ cache: Cache, _ mode: M.Type, _ busy: inout Bool
  ) -> UnsafeMutableRawPointer? {
    let node = cache.node
    if !M.waits, Slab.lacksExchange { return nil }
    guard enter(node, caller, M.self) else {
      busy = true
      return nil
    }
    var tries = 0
    while let slab = node.head {
      let counters = slab.counters
      let object = unsafe slab.freelist.unsafelyUnwrapped
      let next = unsafe cache.link(of: object).pointee
      if unsafe slab.exchange(object, counters, next, counters &+ 1, M.self) {
        if unsafe next == nil { remove(caller, node, slab) }
        node.lock.release(caller, M.self)
        return unsafe object
      }
      count(caller, .slabCASFail)
      tries &+= 1
      if !M.waits, tries == Self.exchangeCap { break }
    }
    node.lock.release(caller, M.self)
    return nil
  }

  @inline(__always)
  func allocateFromNewSlab<M: CallMode>(
    _ caller: VCPU, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    guard let slab = makeSlab(caller, cache, M.self) else { return nil }
    // Nobody else knows the slab yet.
    let object = unsafe slab.freelist.unsafelyUnwrapped
    let rest = unsafe cache.link(of: object).pointee
    unsafe slab.pointer.pointee.freelist = rest
    unsafe slab.pointer.pointee.counters &+= 1
    if unsafe rest == nil { return unsafe object }
    let node = cache.node
    guard enter(node, caller, M.self) else {
      // Looping could be endless: the holder may be what this call interrupted.
      count(caller, .slabReturned)
      discard(caller, slab, M.self)
      return nil
    }
    append(caller, node, slab)
    node.lock.release(caller, M.self)
    return unsafe object
  }

  /// Up to `limit` objects into `slots`, from partial slabs, else from a new one; 0 without pages.
  ///
  /// - Context: task, no lock held.
  func takeFromSlabs(_ caller: VCPU, _ cache: Cache, into slots: Slot, atMost limit: Int) -> Int {
    let node = cache.node
    var isolated: Slab?
    var expected = 0
    node.lock.acquire(caller)
    while expected < limit, let slab = node.head {
      let counters = slab.counters
      expected &+= Slab.objects(counters) &- Slab.inUse(counters)
      remove(caller, node, slab)
      slab.next = isolated
      isolated = slab
    }
    node.lock.release(caller, Ordinary.self)
    if isolated == nil {
      guard let slab = makeSlab(caller, cache, Ordinary.self) else { return 0 }
      slab.next = nil
      isolated = slab
    }
    var taken = 0
    while let slab = isolated {
      isolated = slab.next
      unsafe taken &+= take(caller, cache, slab, into: slots + taken, atMost: limit &- taken)
    }
    return taken
  }

  /// Takes objects of a slab that the caller unlinked, and puts what is left back on the list.
  @inline(__always)
  private func take(
    _ caller: VCPU, _ cache: Cache, _ slab: Slab, into slots: Slot, atMost limit: Int
  ) -> Int {
    while true {
      let counters = slab.counters
      let first = unsafe slab.freelist
      var rest = unsafe first
      var n = 0
      while n < limit, let object = unsafe rest {
        unsafe slots[n] = object
        unsafe rest = cache.link(of: object).pointee
        n &+= 1
      }
      if unsafe slab.exchange(first, counters, rest, counters &+ UInt64(n), Ordinary.self) {
        if unsafe rest != nil { relink(caller, cache, slab) }
        return n
      }
      count(caller, .slabCASFail)
    }
  }

  /// Puts an unlinked slab that is not full on the list, or discards it if it is empty and the node
  /// has enough.
  @inline(__always)
  private func relink(_ caller: VCPU, _ cache: Cache, _ slab: Slab) {
    let node = cache.node
    node.lock.acquire(caller)
    // Frees that emptied it left it alone, because it was on no list.
    if Slab.inUse(slab.counters) == 0, node.count >= cache.minimumPartial {
      node.lock.release(caller, Ordinary.self)
      discard(caller, slab, Ordinary.self)
      return
    }
    append(caller, node, slab)
    node.lock.release(caller, Ordinary.self)
  }
}
