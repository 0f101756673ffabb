import CPlatform

// The worker's care for pages that a handler will want: they are there without a lock, and touched.

extension Instance {
  /// Pages that the worker keeps touched beyond those carved lock-free.
  static var pagesAhead: UInt64 { 64 }

  /// Fills the reserve (`sheaves`), or touches what will be carved next (`heap`).
  ///
  /// - Context: task, the worker: nobody else fills.
  func fillReserve(_ caller: VCPU) {
    var node = 0
    while node < nodeCount {
      let zone = zone(node)
      unsafe pointer.pointee.carves_from_top != 0 ? touchTop(zone) : fill(caller, zone)
      node &+= 1
    }
  }

  private func fill(_ caller: VCPU, _ zone: Zone) {
    var order = 0
    while order <= Int(NL_MAX_SLAB_ORDER) {
      var i = 0
      while i < Int(NL_RESERVE_BLOCKS) {
        let place = unsafe nl_zone_at_reserve(zone.pointer, order, i)
        if unsafe nl_load_pointer(place) == nil {
          zone.lock.acquire(caller)
          let block = takeBlock(zone, order: order)
          zone.lock.release(caller, Ordinary.self)
          guard let block else { return }
          unsafe nl_populate(
            UInt(bitPattern: address(ofPage: page(of: block))), 4096 &<< UInt64(order))
          unsafe nl_store_pointer(place, block.pointer)
        }
        i &+= 1
      }
      order &+= 1
    }
  }

  private func touchTop(_ zone: Zone) {
    let carved = unsafe nl_load(nl_zone_at_carved_from_top(zone.pointer))
    let step = UInt64(1 &<< Int(NL_MAX_SLAB_ORDER))
    while unsafe zone.pointer.pointee.populated_at_top < carved &+ Self.pagesAhead {
      let next = unsafe zone.pointer.pointee.populated_at_top &+ step
      if next > UInt64(zone.endPage &- zone.growthEnd) { return }
      unsafe nl_populate(UInt(bitPattern: address(ofPage: zone.endPage &- Int(next))), step &* 4096)
      unsafe zone.pointer.pointee.populated_at_top = next
    }
  }
}
