import CNolock
import CPlatform

/// Checked caches (slub_debug=FZPU).  As in the kernel any debug flag turns sheaves and per-CPU
/// slabs off, so this is what every design becomes: one object at a time under list_lock, by trylock
/// in a nolock call, whose frees are always deferred.
///
/// A finding counts as a slab error and leaves a report; nothing dies of it, unless that was asked
/// for.  Its own entry points pass their return address on.
enum DebugDesign<C: Configuration>: WithoutLines {
  static func kmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32, site: UInt)
    -> UnsafeMutableRawPointer?
  {
    unsafe sign(allocSlow(size, gfp, node), size, site, Ordinary.self)
  }

  static func kmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32, site: UInt)
    -> UnsafeMutableRawPointer?
  {
    if size > UInt(NOLOCK_MAX_CACHE_SIZE), C.instance.isStarted {
      var finding = unsafe Finding("kmalloc_nolock above 8192 bytes", at: nil, site: site)
      finding.size = size
      C.instance.report(C.enterNolock(), finding, Nolock.self)
      return nil
    }
    return unsafe sign(allocNolockSlow(size, gfp, node), size, site, Nolock.self)
  }

  @inline(__always)
  private static func sign<M: CallMode>(
    _ address: UnsafeMutableRawPointer?, _ size: UInt, _ site: UInt, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    guard let address = unsafe address, let cache = unsafe C.instance.cache(at: address) else {
      return unsafe address  // NULL, ZERO_SIZE_PTR, or whole pages
    }
    unsafe CheckedObject(address, cache).sign(
      requested: Int(bitPattern: size), site: site, tid: C.vcpu.tid, nolock: !M.waits)
    return unsafe address
  }

  static func kfree(_ address: UnsafeMutableRawPointer?, site: UInt) {
    guard let vcpu = C.enterOrdinary() else { return }
    C.instance.writeReports()
    if unsafe claim(vcpu, address, site, Ordinary.self) { unsafe freeSlow(address) }
  }

  static func kfreeNolock(_ address: UnsafeMutableRawPointer?, site: UInt) {
    guard C.instance.isStarted else { return }
    if unsafe claim(C.enterNolock(), address, site, Nolock.self) { unsafe freeNolockSlow(address) }
  }

  static func kfreeBulk(_ count: Int, _ slots: Slot?) {
    guard let slots = unsafe slots else { return }
    var i = 0
    while i < count {
      unsafe kfree(slots[i], site: 0)
      i &+= 1
    }
  }

  /// True if the caller may free it: whoever takes the state from "allocated" is the one.
  ///
  /// - Context: `M`'s.
  private static func claim<M: CallMode>(
    _ vcpu: VCPU, _ address: UnsafeMutableRawPointer?, _ site: UInt, _ mode: M.Type
  ) -> Bool {
    guard let address = unsafe address, unsafe address != zeroSizePointer else { return false }
    let instance = C.instance
    guard let cache = unsafe instance.cache(at: address) else {
      if unsafe instance.isLarge(address) {
        if M.waits { return true }
        instance.report(
          vcpu, unsafe Finding("kfree_nolock of whole pages", at: address, site: site), M.self)
        return true  // counted and leaked there
      }
      instance.report(vcpu, unsafe Finding("Free of no object", at: address, site: site), M.self)
      instance.count(vcpu, .badFree)
      return false
    }
    guard let object = unsafe instance.checkedObject(address, cache) else {
      // The object that it points into, or beside.
      let object = unsafe instance.checkedObject(near: address, cache)
      var finding = Finding("Invalid object pointer", object, site: site)
      unsafe finding.address = address
      instance.report(vcpu, finding, M.self)
      instance.count(vcpu, .badFree)
      return false
    }
    let allocated = UInt8(truncatingIfNeeded: NL_OBJECT_ALLOCATED.rawValue)
    let old = object.exchangeState(M.waits ? NL_OBJECT_FREEING : NL_OBJECT_DEFERRED)
    if old != allocated {
      object.state = old
      let isTrack = old & 1 == 1 && old < 0x5a
      instance.report(
        vcpu, Finding(isTrack ? "Object already free" : "Track overwritten", object, site: site),
        M.self)
      instance.count(vcpu, .badFree)
      return false
    }
    unsafe object.track.pointee.free_site = UInt64(site)
    unsafe object.track.pointee.free_tid = vcpu.tid
    if !M.waits, unsafe object.track.pointee.nolock == 0 {
      instance.report(vcpu, Finding("kfree_nolock of a kmalloc object", object, site: site), M.self)
    }
    return true
  }

  // What the shared slow paths ask for.

  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    let instance = C.instance
    if M.waits {
      instance.writeReports()
      drainOwn(vcpu)
    }
    guard let object = unsafe instance.allocateChecked(vcpu, cache, M.self) else { return nil }
    instance.countSlow(vcpu, M.self)
    return unsafe object
  }

  static func release<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if !M.waits { return false }
    drainOwn(vcpu)
    C.instance.count(vcpu, .freeSlow)
    unsafe C.instance.freeChecked(vcpu, CheckedObject(object, cache))
    return true
  }

  @inline(__always)
  static func willDefer(_ object: UnsafeMutableRawPointer, of cache: Cache) {
    unsafe CheckedObject(object, cache).enter(NL_OBJECT_DEFERRED)
  }

  /// The list's link stood in the free-pointer slot: it becomes a hidden NULL again before anything
  /// looks at it.  With a raw NULL the kernel reported "Freepointer corrupt" (kernel-reference §4.5).
  static func freeDrained(_ vcpu: VCPU, _ address: UnsafeMutableRawPointer) {
    let instance = C.instance
    let object = unsafe CheckedObject(address, instance.cache(of: instance.slab(of: address)))
    #if NOLOCK_BROKEN_RAW_NULL
      unsafe nl_store_pointer(nl_track_at_link(object.track), nil)
    #else
      unsafe object.link = nil
    #endif
    object.enter(NL_OBJECT_FREEING)
    instance.freeChecked(vcpu, object)
  }

  @inline(__always)
  static func usableSize(_ object: UnsafeRawPointer, of cache: Cache) -> Int {
    unsafe CheckedObject(UnsafeMutableRawPointer(mutating: object), cache).requested
  }

  static func validate(_ vcpu: VCPU) -> Bool {
    C.instance.writeReports()
    C.instance.validateChecked(vcpu)
    return true
  }
}
