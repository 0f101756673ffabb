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

  /// Makes the list sound again from its forward chain, lock held; that chain stays sound at every
  /// instruction, because this may be left, too.  A slab whose last object was just taken leaves it:
  /// the next free of one of its objects puts it back.
  func repair() {
    var last: Slab?
    var n: UInt32 = 0
    var slab = head
    while let current = slab {
      slab = current.next
      let isPartial = unsafe current.freelist != nil
      current.isOnPartial = isPartial
      if isPartial {
        current.previous = last
        last = current
        n &+= 1
      } else if let last {
        last.next = slab
      } else {
        head = slab
      }
    }
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
  /// Gives up the partial list of a cache, lock held: no slab may say that it is on it.
  func giveUpSlabs(of cache: Cache) {
    cache.node.abandon()
    #if NOLOCK_BROKEN_GIVEN_UP
      return
    #endif
    forEachPage(of: zone(cache.nodeNumber)) {
      if $0.state == NL_PAGE_SLAB, $0.cacheIndex == cache.index { $0.isOnPartial = false }
    }
  }

  /// Gives up all free blocks of a zone, lock held: no block that is freed later may join them.
  func giveUpPages(of zone: Zone) {
    var order = 0
    while order <= Int(NL_MAX_ORDER) {
      unsafe nl_zone_at_free(zone.pointer, order).pointee = nil
      order &+= 1
    }
    unsafe nl_zone_at_stalled(zone.pointer).pointee = nil
    forEachPage(of: zone) { if $0.state == NL_PAGE_FREE { $0.state = NL_PAGE_UNUSED } }
  }

  /// Every page that a zone has carved, from either end.
  @inline(__always)
  private func forEachPage(of zone: Zone, _ body: (Slab) -> Void) {
    var page = unsafe Int(zone.pointer.pointee.first_page)
    let grown = unsafe Int(zone.pointer.pointee.grown)
    while page < grown {
      body(descriptor(page))
      page &+= 1
    }
    page = unsafe zone.endPage &- Int(nl_load(nl_zone_at_carved_from_top(zone.pointer)))
    if page < zone.growthEnd { page = zone.growthEnd }
    while page < zone.endPage {
      body(descriptor(page))
      page &+= 1
    }
  }
}
