import CPlatform

/// The free blocks of pages: a buddy system of orders 0...10, under one central lock.
///
/// There is one per node.  Its range's low part grows by whole blocks of order 10 under the lock.  Its top part is carved
/// lock-free in blocks of order 3 for nolock callers, where the instance allows it.
@safe
struct Zone {
  let pointer: UnsafeMutablePointer<nl_zone>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_zone>) { unsafe self.pointer = pointer }

  @inline(__always)
  var lock: CentralLock { unsafe CentralLock(nl_zone_at_lock(pointer), nl_get_class_zone()) }

  @inline(__always)
  func head(_ order: Int) -> Slab? {
    unsafe nl_zone_at_free(pointer, order).pointee.map { unsafe Slab($0) }
  }

  /// End of the pages that grow under the lock; those behind it only nolock callers carve: a
  /// sixteenth.
  @inline(__always)
  var growthEnd: Int {
    let pages = unsafe Int(pointer.pointee.end_page &- pointer.pointee.first_page)
    return endPage &- (pages / 16 & ~(1 &<< Int(NL_MAX_ORDER) &- 1))
  }
  @inline(__always)
  var endPage: Int { unsafe Int(pointer.pointee.end_page) }

  /// Puts a block on its list, lock held.
  @inline(__always)
  func insert(_ block: Slab, order: Int) {
    let old = head(order)
    block.order = order
    block.state = NL_PAGE_FREE
    block.next = old
    block.previous = nil
    old?.previous = block
    unsafe nl_zone_at_free(pointer, order).pointee = block.pointer
  }

  /// Takes a block off its list, lock held.
  @inline(__always)
  func remove(_ block: Slab, order: Int) {
    let next = block.next
    let previous = block.previous
    next?.previous = previous
    if let previous {
      previous.next = next
    } else {
      unsafe nl_zone_at_free(pointer, order).pointee = next?.pointer
    }
    block.state = NL_PAGE_UNUSED
  }
}

extension Instance {
  @inline(__always)
  var arenaPages: Int { unsafe Int(bitPattern: pointer.pointee.arena_size &>> UInt(NL_PAGE_SHIFT)) }

  /// A block of 1 << order pages, lock held; nil iff the arena is used up.
  ///
  /// - Complexity: at most 11 lists and 10 splits.
  @inline(__always)
  func takeBlock(_ zone: Zone, order: Int) -> Slab? {
    var found = order
    while found <= Int(NL_MAX_ORDER), zone.head(found) == nil { found &+= 1 }
    if found > Int(NL_MAX_ORDER) {
      guard grow(zone) else { return nil }
      found = Int(NL_MAX_ORDER)
    }
    guard let block = zone.head(found) else { return nil }
    zone.remove(block, order: found)
    while found > order {
      found &-= 1
      zone.insert(descriptor(page(of: block) &+ 1 &<< found), order: found)
    }
    block.order = order
    return block
  }

  /// Adds one block of the highest order, lock held.
  @inline(__always)
  private func grow(_ zone: Zone) -> Bool {
    let page = unsafe Int(zone.pointer.pointee.grown)
    let end = page &+ 1 &<< Int(NL_MAX_ORDER)
    if end > zone.growthEnd { return false }
    unsafe zone.pointer.pointee.grown = UInt64(end)
    zone.insert(descriptor(page), order: Int(NL_MAX_ORDER))
    return true
  }

  /// Returns a block and joins it with its free buddies, lock held.
  ///
  /// - Complexity: at most 10 joins.
  @inline(__always)
  func returnBlock(_ zone: Zone, _ block: Slab) {
    var page = page(of: block)
    var order = block.order
    while order < Int(NL_MAX_ORDER) {
      let buddy = descriptor(page ^ 1 &<< order)
      guard buddy.state == NL_PAGE_FREE, buddy.order == order else { break }
      zone.remove(buddy, order: order)
      page &= ~(1 &<< order)
      order &+= 1
    }
    zone.insert(descriptor(page), order: order)
  }

  /// Returns the blocks that nolock callers had to park, lock held.
  @inline(__always)
  func returnParked(_ zone: Zone) {
    let stalled = unsafe nl_zone_at_stalled(zone.pointer)
    var block = unsafe stalled.pointee ?? WaitFreeStack.takeAll(nl_zone_at_parked(zone.pointer))
    while let node = unsafe block {
      let slab = unsafe Slab(node.assumingMemoryBound(to: nl_slab.self))
      let next = unsafe nl_load_pointer(nl_slab_at_next(slab.pointer))
      // The push behind this node is under way: its link is not known yet.
      if unsafe next == WaitFreeStack.pending { break }
      returnBlock(zone, slab)
      unsafe block = next
    }
    unsafe stalled.pointee = block
  }
}
