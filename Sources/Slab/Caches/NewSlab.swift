import CPlatform

extension Instance {
  /// A new slab of `cache`, in pages of its node, with all objects on its freelist in order of address, known to nobody.
  ///
  /// Returns nil iff neither the preferred nor the smallest order could be had.
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  /// - Complexity: one store per object and page.
  func makeSlab<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Slab? {
    var block = allocatePages(caller, order: cache.order, node: cache.nodeNumber, M.self)
    if block == nil, cache.minimumOrder < cache.order {
      count(caller, .orderFallback)
      block = allocatePages(
        caller, order: cache.minimumOrder, node: cache.nodeNumber, M.self)
    }
    guard let slab = block else { return nil }
    let size = cache.objectSize
    let objects = (4096 &<< slab.order) / size
    let first = unsafe address(ofPage: page(of: slab))
    var object = unsafe first
    var i = 1
    while i < objects {
      let next = unsafe object + size
      unsafe cache.link(of: object).pointee = next
      unsafe object = next
      i &+= 1
    }
    unsafe cache.link(of: object).pointee = nil
    unsafe slab.pointer.pointee.freelist = first
    unsafe slab.pointer.pointee.counters = UInt64(objects) &<< 16
    unsafe slab.pointer.pointee.cache = UInt8(truncatingIfNeeded: cache.index)
    slab.isOnPartial = false
    slab.state = NL_PAGE_SLAB
    enter(slab, line: cache.index &+ Int(NL_LINE_FIRST.rawValue))
    count(caller, .slabAlloc)
    return slab
  }

  /// Gives an empty, unlinked slab's pages back.
  ///
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  func discard<M: CallMode>(_ caller: VCPU, _ slab: Slab, _ mode: M.Type) {
    enter(slab, line: Int(NL_LINE_FOREIGN.rawValue))
    count(caller, .slabFree)
    freePages(caller, slab, M.self)
  }
}
