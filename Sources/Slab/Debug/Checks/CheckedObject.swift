import CPlatform

/// An object of a checked cache, and what stands around it:
///
///     left red zone | object … [red zone from the requested size on] | right red zone | track | padding
///
/// The left zone is as wide as the alignment, so objects keep theirs (kernel-reference §1.2).
@safe
struct CheckedObject {
  let address: UnsafeMutableRawPointer
  let cache: Cache

  // The kernel's values (include/linux/poison.h).
  @inline(__always)
  static var poisonFree: UInt8 { 0x6b }
  @inline(__always)
  static var poisonEnd: UInt8 { 0xa5 }
  @inline(__always)
  static var poisonUnused: UInt8 { 0x5a }
  @inline(__always)
  static var redInactive: UInt8 { 0xbb }
  @inline(__always)
  static var redActive: UInt8 { 0xcc }

  @inline(__always)
  init(_ address: UnsafeMutableRawPointer, _ cache: Cache) {
    unsafe self.address = address
    self.cache = cache
  }

  @inline(__always)
  var track: UnsafeMutablePointer<nl_track> {
    unsafe (address + cache.objectSize).assumingMemoryBound(to: nl_track.self)
  }
  @inline(__always)
  var leftZone: UnsafeMutableRawPointer { unsafe address - cache.leftZone }
  @inline(__always)
  var padding: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(track + 1) }
  @inline(__always)
  var paddingBytes: Int {
    unsafe cache.stride &- cache.leftZone &- cache.objectSize &- MemoryLayout<nl_track>.size
  }

  /// Acquire and release: whoever changes the state owns the object.
  @inline(__always)
  var state: UInt8 {
    get { unsafe nl_load_u8(nl_track_at_state(track)) }
    nonmutating set { unsafe nl_store_u8(nl_track_at_state(track), newValue) }
  }
  @inline(__always)
  func exchangeState(_ new: nl_object_state) -> UInt8 {
    unsafe nl_swap_u8(nl_track_at_state(track), UInt8(truncatingIfNeeded: new.rawValue))
  }
  @inline(__always)
  func isIn(_ state: nl_object_state) -> Bool {
    self.state == UInt8(truncatingIfNeeded: state.rawValue)
  }
  @inline(__always)
  func enter(_ state: nl_object_state) { self.state = UInt8(truncatingIfNeeded: state.rawValue) }

  // Free-pointer hardening: the stored value is pointer ^ random ^ byte-swapped address of the slot.

  @inline(__always)
  private func mask(_ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>) -> UInt {
    unsafe UInt(truncatingIfNeeded: cache.pointer.pointee.random)
      ^ UInt(bitPattern: slot).byteSwapped
  }
  @inline(__always)
  var link: UnsafeMutableRawPointer? {
    get {
      let slot = unsafe nl_track_at_link(track)
      return unsafe UnsafeMutableRawPointer(
        bitPattern: UInt(bitPattern: nl_load_pointer(slot)) ^ mask(slot))
    }
    nonmutating set {
      let slot = unsafe nl_track_at_link(track)
      let hidden = unsafe UInt(bitPattern: newValue) ^ mask(slot)
      unsafe nl_store_pointer(slot, UnsafeMutableRawPointer(bitPattern: hidden))
    }
  }

  /// Zones and, for a free object, the body.
  func dress(free: Bool) {
    let zone = free ? Self.redInactive : Self.redActive
    unsafe nl_fill(leftZone, zone, cache.leftZone)
    unsafe nl_fill(address + cache.objectSize, zone, 8)
    if free {
      unsafe nl_fill(address, Self.poisonFree, cache.objectSize &- 1)
      unsafe nl_fill(address + (cache.objectSize &- 1), Self.poisonEnd, 1)
    }
  }

  /// Ends a fresh object at what was asked for.
  @inline(__always)
  func sign(requested: Int, site: UInt, tid: UInt32, nolock: Bool) {
    unsafe nl_fill(address + requested, Self.redActive, cache.objectSize &- requested)
    unsafe track.pointee.alloc_site = UInt64(site)
    unsafe track.pointee.alloc_tid = tid
    unsafe track.pointee.nolock = nolock ? 1 : 0
    unsafe track.pointee.requested = UInt32(truncatingIfNeeded: requested)
  }

  @inline(__always)
  var requested: Int {
    let bytes = unsafe Int(track.pointee.requested)
    return bytes <= cache.objectSize ? bytes : cache.objectSize
  }
}

extension Cache {
  /// Of a slot with all that belongs to an object.
  @inline(__always)
  var stride: Int { unsafe Int(pointer.pointee.stride) }
  @inline(__always)
  var leftZone: Int { unsafe Int(pointer.pointee.first) }

  /// Makes this a checked cache, when its instance is started.
  func addChecks(cpus: Int) {
    let size = objectSize
    let alignment = size & (0 &- size)
    let bytes = unsafe alignment &+ size &+ MemoryLayout<nl_track>.size
    let stride = (bytes &+ alignment &- 1) & ~(alignment &- 1)
    unsafe pointer.pointee.first = UInt32(alignment)
    unsafe pointer.pointee.stride = UInt32(stride)
    unsafe pointer.pointee.random = nl_random()
    unsafe pointer.pointee.link_offset = UInt32(size &+ 8)
    unsafe pointer.pointee.order = UInt32(
      Buckets.slabOrder(objectSize: stride, cpus: cpus, highest: 3))
    unsafe pointer.pointee.minimum_order = UInt32(Buckets.minimumOrder(objectSize: stride))
  }
}
