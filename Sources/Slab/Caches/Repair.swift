import CPlatform

// What a lock guards, made sound or given up after its holder vanished (Context/LeftLocks.swift).

extension Node {
  /// Gives the list up, lock held.
  func abandon() {
    head = nil
    tail = nil
    unsafe pointer.pointee.full = nil
    unsafe nl_store_u32(&pointer.pointee.partial_count, 0)
  }

  /// Makes the list sound again from its forward chain, lock held.  A slab whose last object was just
  /// taken leaves it: the next free of one of its objects puts it back.
  func repair() {
    var last: Slab?
    var n: UInt32 = 0
    var slab = head
    head = nil
    while let current = slab {
      slab = current.next
      current.isOnPartial = unsafe current.freelist != nil
      if unsafe current.freelist == nil { continue }
      current.previous = last
      if let last { last.next = current } else { head = current }
      last = current
      n &+= 1
    }
    last?.next = nil
    tail = last
    unsafe nl_store_u32(&pointer.pointee.partial_count, n)
    // Of debug caches: full slabs are only listed for the checks.
    unsafe pointer.pointee.full = nil
  }
}

extension Barn {
  /// Gives both lists up, lock held.
  func abandon() {
    unsafe pointer.pointee.full = nil
    unsafe pointer.pointee.empty = nil
    unsafe nl_store_u32(&pointer.pointee.full_count, 0)
    unsafe nl_store_u32(&pointer.pointee.empty_count, 0)
  }

  /// Counts the lists anew, lock held.
  func repair() {
    unsafe nl_store_u32(&pointer.pointee.full_count, Self.length(pointer.pointee.full))
    unsafe nl_store_u32(&pointer.pointee.empty_count, Self.length(pointer.pointee.empty))
  }

  private static func length(_ first: UnsafeMutablePointer<nl_sheaf>?) -> UInt32 {
    var n: UInt32 = 0
    var sheaf = unsafe first.map { unsafe Sheaf($0) }
    while let current = sheaf {
      n &+= 1
      sheaf = current.next
    }
    return n
  }
}

extension Instance {
  /// Gives up all free blocks of a zone, lock held: no block that is freed later may join them.
  func giveUpPages(of zone: Zone) {
    var order = 0
    while order <= Int(NL_MAX_ORDER) {
      unsafe nl_zone_at_free(zone.pointer, order).pointee = nil
      order &+= 1
    }
    unsafe nl_zone_at_stalled(zone.pointer).pointee = nil
    var page = unsafe Int(zone.pointer.pointee.first_page)
    let grown = unsafe Int(zone.pointer.pointee.grown)
    while page < grown {
      giveUp(descriptor(page))
      page &+= 1
    }
    page = unsafe zone.endPage &- Int(nl_load(nl_zone_at_carved_from_top(zone.pointer)))
    if page < zone.growthEnd { page = zone.growthEnd }
    while page < zone.endPage {
      giveUp(descriptor(page))
      page &+= 1
    }
  }

  private func giveUp(_ page: Slab) {
    if page.state == NL_PAGE_FREE { page.state = NL_PAGE_UNUSED }
  }
}
