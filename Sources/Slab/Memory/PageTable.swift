import CPlatform

extension Instance {
  /// Descriptor of a page of the arena.
  @inline(__always)
  func descriptor(_ page: Int) -> Slab {
    unsafe Slab(pointer.pointee.slab.unsafelyUnwrapped + page)
  }

  /// Number of a descriptor's page.
  @inline(__always)
  func page(of slab: Slab) -> Int {
    unsafe slab.pointer - pointer.pointee.slab.unsafelyUnwrapped
  }

  @inline(__always)
  func address(ofPage page: Int) -> UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(
      bitPattern: pointer.pointee.arena_base &+ UInt(bitPattern: page) &<< UInt(NL_PAGE_SHIFT)
    )
    .unsafelyUnwrapped
  }

  /// Page number of an address in the arena; nil for all others.
  @inline(__always)
  func page(at address: UnsafeRawPointer) -> Int? {
    let offset = unsafe UInt(bitPattern: address) &- pointer.pointee.arena_base
    guard unsafe offset < pointer.pointee.arena_size else { return nil }
    return Int(bitPattern: offset &>> UInt(NL_PAGE_SHIFT))
  }

  /// The slab of an object that is known to be one.
  @inline(__always)
  func slab(of object: UnsafeRawPointer) -> Slab {
    let offset = unsafe UInt(bitPattern: object) &- pointer.pointee.arena_base
    let page = descriptor(Int(bitPattern: offset &>> UInt(NL_PAGE_SHIFT)))
    return unsafe descriptor(Int(page.pointer.pointee.page))
  }

  /// The cache that a slab belongs to, of the slab's node.
  @inline(__always)
  func cache(of slab: Slab) -> Cache { cache(slab.cacheIndex, node: node(ofPage: page(of: slab))) }

  /// The cache that owns an address, of the address's node; nil: foreign, or whole pages.
  @inline(__always)
  func cache(at address: UnsafeRawPointer) -> Cache? {
    guard let page = unsafe page(at: address) else { return nil }
    let line = unsafe Int(pointer.pointee.page.unsafelyUnwrapped[page] &>> 6)
    if line < Int(NL_LINE_FIRST.rawValue) { return nil }
    return cache(line &- Int(NL_LINE_FIRST.rawValue), node: node(ofPage: page))
  }

  /// Enters a block's pages under a line of every vCPU.
  ///
  /// Plain stores: the entries are written before the first object of the page is published, and
  /// pass through the dummy value 0 when the page changes hands.
  @inline(__always)
  func enter(_ block: Slab, line: Int) {
    let first = page(of: block)
    let entry = UInt16(truncatingIfNeeded: line &* 64)
    let table = unsafe pointer.pointee.page.unsafelyUnwrapped
    var page = first
    while page < first &+ (1 &<< block.order) {
      unsafe table[page] = entry
      unsafe descriptor(page).pointer.pointee.page = UInt32(truncatingIfNeeded: first)
      page &+= 1
    }
    if unsafe nl_instance_at_view(pointer, 0).pointee != nil {
      enterInViews(block, first: first, line: line)
    }
  }
}
