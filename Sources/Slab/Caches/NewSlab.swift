import CPlatform

extension Instance {
  /// A new slab of `cache`, in pages of its node, with all objects on its freelist in order of address, known to nobody.
  ///
  /// Returns nil iff neither the preferred nor the smallest order could be had.
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  /// - Complexity: one store per object and page.
  func makeSlab<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Slab? {
    guard let slab = slabPages(caller, cache, M.self) else { return nil }
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
    makeKnown(caller, slab, of: cache)
    return slab
  }

  /// Pages for a slab, in the preferred or the smallest order; nil iff neither could be had.
  @inline(__always)
  func slabPages<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Slab? {
    let node = cache.nodeNumber
    if let slab = allocatePages(caller, order: cache.order, node: node, M.self) { return slab }
    if cache.minimumOrder >= cache.order { return nil }
    count(caller, .orderFallback)
    return allocatePages(caller, order: cache.minimumOrder, node: node, M.self)
  }

  /// Makes pages a slab of `cache`: from here on a free finds the cache by the address.
  @inline(__always)
  func makeKnown(_ caller: VCPU, _ slab: Slab, of cache: Cache) {
    unsafe slab.pointer.pointee.cache = UInt8(truncatingIfNeeded: cache.index)
    slab.isOnPartial = false
    slab.state = NL_PAGE_SLAB
    enter(slab, line: cache.index &+ Int(NL_LINE_FIRST.rawValue))
    count(caller, .slabAlloc)
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
