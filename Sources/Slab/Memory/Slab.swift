import CPlatform

/// A page's descriptor: of a slab, of a large object, or of a free block of pages.
@safe
struct Slab: Equatable {
  let pointer: UnsafeMutablePointer<nl_slab>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_slab>) { unsafe self.pointer = pointer }

  @inline(__always)
  static func == (a: Slab, b: Slab) -> Bool { unsafe a.pointer == b.pointer }

  @inline(__always)
  var freelist: UnsafeMutableRawPointer? { unsafe nl_slab_freelist(pointer) }
  @inline(__always)
  var counters: UInt64 { unsafe nl_slab_counters(pointer) }

  /// Objects handed out, to sheaves or callers, by a value of `counters`.
  @inline(__always)
  static func inUse(_ counters: UInt64) -> Int { Int(counters & 0xffff) }
  /// Objects that the slab holds.
  @inline(__always)
  static func objects(_ counters: UInt64) -> Int { Int(counters &>> 16 & 0x7fff) }
  /// A vCPU's active slab: on no list, and its freelist is not the only one.
  @inline(__always)
  static func isFrozen(_ counters: UInt64) -> Bool { counters & frozen != 0 }
  @inline(__always)
  static var frozen: UInt64 { 1 &<< 31 }

  /// Changes freelist and counters as one unit; false if either differs from what was read.
  @inline(__always)
  func exchange<M: CallMode>(
    _ oldFreelist: UnsafeMutableRawPointer?, _ oldCounters: UInt64,
    _ freelist: UnsafeMutableRawPointer?, _ counters: UInt64, _ mode: M.Type
  ) -> Bool {
    if M.waits, Self.lacksExchange {
      return unsafe exchangeLocked(oldFreelist, oldCounters, freelist, counters)
    }
    return unsafe nl_slab_cas(pointer, oldFreelist, oldCounters, freelist, counters)
  }

  /// Next of whatever list the slab is on.
  @inline(__always)
  var next: Slab? {
    get { unsafe pointer.pointee.next.map { unsafe Slab($0) } }
    nonmutating set { unsafe pointer.pointee.next = newValue?.pointer }
  }
  @inline(__always)
  var previous: Slab? {
    get { unsafe pointer.pointee.prev.map { unsafe Slab($0) } }
    nonmutating set { unsafe pointer.pointee.prev = newValue?.pointer }
  }

  /// In powers of two pages.
  @inline(__always)
  var order: Int {
    get { unsafe Int(pointer.pointee.order) }
    nonmutating set { unsafe pointer.pointee.order = UInt8(truncatingIfNeeded: newValue) }
  }
  @inline(__always)
  var cacheIndex: Int { unsafe Int(pointer.pointee.cache) }

  /// FREE is set and taken under the zone's lock only, and it is all that a neighbour asks for
  /// (`returnBlock`); the other values are the owner's.  Atomic because the neighbour looks while the
  /// owner writes.
  @inline(__always)
  var state: nl_page_state {
    get { unsafe nl_page_state(UInt32(nl_load_u8(nl_slab_at_state(pointer)))) }
    nonmutating set {
      unsafe nl_store_u8(nl_slab_at_state(pointer), UInt8(truncatingIfNeeded: newValue.rawValue))
    }
  }

  /// Guarded by the node's list_lock.
  @inline(__always)
  var isOnPartial: Bool {
    get { unsafe pointer.pointee.on_partial != 0 }
    nonmutating set { unsafe pointer.pointee.on_partial = newValue ? 1 : 0 }
  }
}
