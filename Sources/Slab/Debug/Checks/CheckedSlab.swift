import CPlatform

// Slabs of checked caches.  Everything happens under list_lock, by trylock in a nolock call, and
// full slabs have a list of their own, so that a check finds every object.

extension Instance {
  /// One object of `cache`'s node; the caller signs it.
  ///
  /// Returns nil iff there are no pages, or list_lock was held and `M` may not wait.
  /// - Context: `M`'s.
  func allocateChecked<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    let node = cache.node
    guard enter(node, caller, M.self) else { return nil }
    var withheld = 0
    while let slab = node.head, withheld < Self.exchangeCap {
      if let object = takeFirst(caller, node, slab, cache, M.self) {
        node.lock.release(caller, M.self)
        return unsafe object.address
      }
      withheld &+= 1
    }
    node.lock.release(caller, M.self)
    guard let slab = makeCheckedSlab(caller, cache, M.self) else { return nil }
    guard enter(node, caller, M.self) else {
      // Looping could be endless: the holder may be what this call interrupted.
      count(caller, .slabReturned)
      discard(caller, slab, M.self)
      return nil
    }
    append(caller, node, slab)
    let object = takeFirst(caller, node, slab, cache, M.self)
    node.lock.release(caller, M.self)
    return unsafe object?.address
  }

  /// Takes the first free object, list_lock held; nil if it was found damaged, and is withheld.
  private func takeFirst<M: CallMode>(
    _ caller: VCPU, _ node: Node, _ slab: Slab, _ cache: Cache, _ mode: M.Type
  ) -> CheckedObject? {
    guard let first = unsafe slab.freelist else {
      moveToFull(caller, node, slab)
      return nil
    }
    let object = unsafe CheckedObject(first, cache)
    let isLinked = checkLink(caller, object, slab, site: 0, M.self)
    let isSound = check(caller, object, free: true, site: 0, M.self)
    let next = unsafe object.link
    object.enter(isSound ? NL_OBJECT_ALLOCATED : NL_OBJECT_WITHHELD)
    unsafe nl_slab_store(slab.pointer, next, slab.counters &+ 1)
    if !isLinked { rebuildFreelist(slab, cache) }
    if unsafe slab.freelist == nil { moveToFull(caller, node, slab) }
    if !isSound {
      count(caller, .objectsWithheld)
      return nil
    }
    object.dress(free: false)
    object.sign(requested: cache.objectSize, site: 0, tid: caller.tid, nolock: !M.waits)
    return object
  }

  /// - Context: task.
  func freeChecked(_ caller: VCPU, _ object: CheckedObject) {
    let cache = object.cache
    let slab = unsafe slab(of: object.address)
    let site = unsafe UInt(object.track.pointee.free_site)
    let node = cache.node
    node.lock.acquire(caller)
    let isLinked = checkLink(caller, object, slab, site: site, Ordinary.self)
    let isSound = check(caller, object, free: false, site: site, Ordinary.self)
    if !isSound || !isLinked {
      // As in the kernel: "Object at 0x… not freed".
      object.enter(NL_OBJECT_WITHHELD)
      node.lock.release(caller, Ordinary.self)
      return count(caller, .objectsWithheld)
    }
    object.dress(free: true)
    let old = unsafe slab.freelist
    unsafe object.link = old
    object.enter(NL_OBJECT_FREE)
    unsafe nl_slab_store(slab.pointer, object.address, slab.counters &- 1)
    if unsafe old == nil {
      removeFromFull(node, slab)
      append(caller, node, slab)
    }
    let isUnused = Slab.inUse(slab.counters) == 0 && node.count > cache.minimumPartial
    if isUnused { remove(caller, node, slab) }
    node.lock.release(caller, Ordinary.self)
    if isUnused { discard(caller, slab, Ordinary.self) }
  }

  private func makeCheckedSlab<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Slab?
  {
    guard let slab = slabPages(caller, cache, M.self) else { return nil }
    let bytes = 4096 &<< slab.order
    unsafe nl_fill(address(ofPage: page(of: slab)), CheckedObject.poisonUnused, bytes)
    let objects = bytes / cache.stride
    unsafe nl_slab_store(slab.pointer, nil, UInt64(objects &<< 16))
    var i = 0
    while i < objects {
      let object = object(i, of: slab, cache)
      object.dress(free: true)
      unsafe object.track.pointee.alloc_site = 0
      unsafe object.track.pointee.free_site = 0
      unsafe object.track.pointee.requested = 0
      object.enter(NL_OBJECT_FREE)
      i &+= 1
    }
    rebuildFreelist(slab, cache)
    makeKnown(caller, slab, of: cache)
    return slab
  }

  // The list of full slabs, list_lock held.

  private func moveToFull(_ caller: VCPU, _ node: Node, _ slab: Slab) {
    remove(caller, node, slab)
    let first = unsafe node.pointer.pointee.full
    slab.previous = nil
    unsafe slab.pointer.pointee.next = first
    if let first = unsafe first { unsafe Slab(first).previous = slab }
    unsafe node.pointer.pointee.full = slab.pointer
  }

  private func removeFromFull(_ node: Node, _ slab: Slab) {
    let next = slab.next
    let previous = slab.previous
    if let previous {
      previous.next = next
    } else {
      unsafe node.pointer.pointee.full = next?.pointer
    }
    next?.previous = previous
  }
}
