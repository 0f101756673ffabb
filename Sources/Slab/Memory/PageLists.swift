import CPlatform

// The page allocator: the vCPU's own lists, then the zone, then for nolock callers what can be had
// without any lock (kernel-reference §2.7).

extension Instance {
  /// Blocks of an order that a vCPU keeps.
  @inline(__always)
  private func listLimit(_ order: Int) -> UInt32 { UInt32(truncatingIfNeeded: 16 &>> order) }

  /// A block of 1 << order pages of a node, contents undefined.
  ///
  /// Returns nil iff the memory limit is reached, the arena is used up, or `M` may not wait and every
  /// place was busy or empty.
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.  Progress: `Nolock` is wait-free.
  func allocatePages<M: CallMode>(
    _ caller: VCPU, order: Int, node: Int, _ mode: M.Type
  ) -> Slab? {
    let pages = UInt64(1 &<< order)
    let used = unsafe nl_add(nl_instance_at_pages_used(pointer), pages) &+ pages
    // Relaxed, as its store in `control`: a limit holds for calls that come after it.
    let limit = unsafe nl_load(nl_instance_at_page_limit(pointer))
    if limit != 0, used > limit {
      _ = unsafe nl_add(nl_instance_at_pages_used(pointer), 0 &- pages)
      count(caller, .limitHit)
      return nil
    }
    guard let block = findBlock(caller, order: order, node: node, M.self) else {
      _ = unsafe nl_add(nl_instance_at_pages_used(pointer), 0 &- pages)
      count(caller, .outOfPages)
      return nil
    }
    // A racy maximum: two threads may lose a page or two of it, nobody waits for a statistic.
    let highest = unsafe nl_instance_at_pages_used_max(pointer)
    if unsafe nl_load(highest) < used { unsafe nl_store(highest, used) }
    if unsafe block.pointer.pointee.touched == 0 {
      unsafe block.pointer.pointee.touched = 1
      if !M.waits { count(caller, .freshPages) }
    }
    return block
  }

  /// Returns a block.
  ///
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.  Progress: `Nolock` is wait-free.
  func freePages<M: CallMode>(_ caller: VCPU, _ block: Slab, _ mode: M.Type) {
    let order = block.order
    block.state = NL_PAGE_UNUSED
    _ = unsafe nl_add(nl_instance_at_pages_used(pointer), 0 &- UInt64(1 &<< order))
    let node = node(ofPage: page(of: block))
    if order <= Int(NL_MAX_SLAB_ORDER), node == caller.node, pushOwn(caller, block, order) {
      return
    }
    let zone = zone(node)
    if zone.lock.acquire(caller, M.self) {
      probePoint(NL_PROBE_ZONE_LOCK)
      returnBlock(zone, block)
      if M.waits { returnParked(zone) }
      zone.lock.release(caller, M.self)
    } else {
      count(caller, .zoneLockBusy)
      _ = unsafe WaitFreeStack.push(
        nl_zone_at_parked(zone.pointer), block.pointer, link: nl_slab_at_next(block.pointer))
    }
  }

  @inline(__always)
  private func findBlock<M: CallMode>(
    _ caller: VCPU, order: Int, node: Int, _ mode: M.Type
  ) -> Slab? {
    if order <= Int(NL_MAX_SLAB_ORDER), node == caller.node, let block = popOwn(caller, order) {
      return block
    }
    let zone = zone(node)
    if zone.lock.acquire(caller, M.self) {
      probePoint(NL_PROBE_ZONE_LOCK)
      if M.waits { returnParked(zone) }
      let block = takeBlock(zone, order: order)
      zone.lock.release(caller, M.self)
      if block != nil || M.waits { return block }
    } else {
      count(caller, .zoneLockBusy)
    }
    return order <= Int(NL_MAX_SLAB_ORDER) ? lastResort(zone, order) : nil
  }

  /// What a nolock caller gets without any lock: a fresh block of the arena's top part, or one of a
  /// reserve of fixed size, so that failure rates stay comparable with the kernel.
  @inline(__always)
  private func lastResort(_ zone: Zone, _ order: Int) -> Slab? {
    if unsafe pointer.pointee.carves_from_top != 0 {
      let step = UInt64(1 &<< Int(NL_MAX_SLAB_ORDER))
      let carved = unsafe nl_add(nl_zone_at_carved_from_top(zone.pointer), step) &+ step
      if carved > UInt64(zone.endPage &- zone.growthEnd) { return nil }
      let block = descriptor(zone.endPage &- Int(carved))
      block.order = Int(NL_MAX_SLAB_ORDER)
      return block
    }
    var i = 0
    while i < Int(NL_RESERVE_BLOCKS) {
      let place = unsafe nl_zone_at_reserve(zone.pointer, order, i)
      if unsafe nl_load_pointer(place) != nil, let block = unsafe nl_swap_pointer(place, nil) {
        return unsafe Slab(block.assumingMemoryBound(to: nl_slab.self))
      }
      i &+= 1
    }
    return nil
  }

  // The vCPU's lists.  `page_lock` is a local trylock, see Line.

  @inline(__always)
  private func popOwn(_ caller: VCPU, _ order: Int) -> Slab? {
    guard enterList(caller) else { return nil }
    let head = unsafe nl_vcpu_at_page_list(caller.pointer, order)
    let block = unsafe head.pointee.map { unsafe Slab($0) }
    if let block {
      unsafe head.pointee = block.pointer.pointee.next
      unsafe nl_vcpu_at_page_count(caller.pointer, order).pointee &-= 1
    }
    leaveList(caller)
    return block
  }

  @inline(__always)
  private func pushOwn(_ caller: VCPU, _ block: Slab, _ order: Int) -> Bool {
    guard enterList(caller) else { return false }
    let size = unsafe nl_vcpu_at_page_count(caller.pointer, order)
    let head = unsafe nl_vcpu_at_page_list(caller.pointer, order)
    let fits = unsafe size.pointee < listLimit(order)
    if fits {
      unsafe block.pointer.pointee.next = head.pointee
      unsafe head.pointee = block.pointer
      unsafe size.pointee &+= 1
    }
    leaveList(caller)
    return fits
  }

  @inline(__always)
  private func enterList(_ caller: VCPU) -> Bool {
    if caller.isShared { return false }
    if P.isRT {
      guard unsafe TaskLock(nl_vcpu_at_page_owner(caller.pointer)).tryAcquire() else {
        return false
      }
    } else {
      if unsafe nl_vcpu_page_lock(caller.pointer) != 0 { return false }
      unsafe nl_vcpu_set_page_lock(caller.pointer, 1)
      nl_signal_fence()
    }
    unsafe Lockdep.acquire(
      nl_vcpu_at_page_owner(caller.pointer), nl_get_class_pages(), isTry: true)
    return true
  }

  @inline(__always)
  private func leaveList(_ caller: VCPU) {
    unsafe Lockdep.release(nl_vcpu_at_page_owner(caller.pointer))
    if P.isRT { return unsafe TaskLock(nl_vcpu_at_page_owner(caller.pointer)).release() }
    nl_signal_fence()
    unsafe nl_vcpu_set_page_lock(caller.pointer, 0)
  }

  /// Empties a vCPU's lists into the zone, at its thread's end.
  ///
  /// - Context: task, its thread or for a dead one; a handler that comes in between does without.
  func returnOwnPages(_ caller: VCPU, of vcpu: VCPU) {
    // Held, it was left by a siglongjmp: one store links or unlinks a block, so the lists are sound.
    if !P.isRT { unsafe nl_vcpu_set_page_lock(vcpu.pointer, 0) }
    let entered = enterList(vcpu)
    let zone = zone(vcpu.node)
    zone.lock.acquire(caller)
    var order = 0
    while order <= Int(NL_MAX_SLAB_ORDER) {
      let head = unsafe nl_vcpu_at_page_list(vcpu.pointer, order)
      while let block = unsafe head.pointee {
        unsafe head.pointee = block.pointee.next
        returnBlock(zone, unsafe Slab(block))
      }
      unsafe nl_vcpu_at_page_count(vcpu.pointer, order).pointee = 0
      order &+= 1
    }
    zone.lock.release(caller, Ordinary.self)
    if entered { leaveList(vcpu) }
  }
}
