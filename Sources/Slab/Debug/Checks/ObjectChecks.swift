import CPlatform

// The kernel's check_object(): what stands around an object, and in it.  Each finding is reported
// once: the bytes are put right again.

extension Instance {
  /// True if nothing was found.  For a free object its body is looked at, too.
  ///
  /// - Context: `M`'s; the caller owns the object, or holds its node's list_lock.
  func check<M: CallMode>(
    _ caller: VCPU, _ object: CheckedObject, free: Bool, site: UInt, _ mode: M.Type
  ) -> Bool {
    let cache = object.cache
    let zone = free ? CheckedObject.redInactive : CheckedObject.redActive
    var sound = true
    func look(
      _ what: StaticString, _ start: UnsafeMutableRawPointer, _ byte: UInt8, _ bytes: Int
    ) {
      let offset = unsafe Int(nl_find_other(start, byte, bytes))
      if offset == bytes { return }
      sound = false
      var finding = Finding(what, object, site: site)
      unsafe finding.place = start + offset
      finding.expected = byte
      report(caller, finding, M.self)
      unsafe nl_fill(start, byte, bytes)
    }
    unsafe look("Left Redzone overwritten", object.leftZone, zone, cache.leftZone)
    unsafe look("Right Redzone overwritten", object.address + cache.objectSize, zone, 8)
    if free {
      unsafe look(
        "Poison overwritten", object.address, CheckedObject.poisonFree, cache.objectSize &- 1)
      unsafe look(
        "End Poison overwritten", object.address + (cache.objectSize &- 1), CheckedObject.poisonEnd,
        1)
    } else {
      let requested = object.requested
      unsafe look(
        "kmalloc Redzone overwritten", object.address + requested, zone,
        cache.objectSize &- requested)
    }
    unsafe look(
      "Object padding overwritten", object.padding, CheckedObject.poisonUnused, object.paddingBytes)
    return sound
  }

  /// The object of an address in a checked slab; nil if none starts there.
  ///
  /// - Context: any.
  @inline(__always)
  func checkedObject(_ address: UnsafeMutableRawPointer, _ cache: Cache) -> CheckedObject? {
    let slab = unsafe slab(of: address)
    return unsafe isObject(address, slab, cache) ? unsafe CheckedObject(address, cache) : nil
  }

  /// The object whose slot an address of a checked slab lies in; the last one behind them.
  ///
  /// - Context: any.
  func checkedObject(near address: UnsafeMutableRawPointer, _ cache: Cache) -> CheckedObject {
    let slab = unsafe slab(of: address)
    let number = unsafe (address - self.address(ofPage: page(of: slab))) / cache.stride
    let last = Slab.objects(slab.counters) &- 1
    return object(number < last ? number : last, of: slab, cache)
  }

  /// True if one of the slab's objects starts there.
  @inline(__always)
  func isObject(_ address: UnsafeMutableRawPointer, _ slab: Slab, _ cache: Cache) -> Bool {
    let first = unsafe self.address(ofPage: page(of: slab)) + cache.leftZone
    let offset = unsafe address - first
    let stride = cache.stride
    return offset >= 0 && offset % stride == 0 && offset / stride < Slab.objects(slab.counters)
  }

  /// The objects of a slab, by number.
  @inline(__always)
  func object(_ number: Int, of slab: Slab, _ cache: Cache) -> CheckedObject {
    let first = unsafe address(ofPage: page(of: slab)) + cache.leftZone
    return unsafe CheckedObject(first + number &* cache.stride, cache)
  }

  /// True if the free pointer leads to an object of the slab or nowhere.
  @inline(__always)
  func checkLink<M: CallMode>(
    _ caller: VCPU, _ object: CheckedObject, _ slab: Slab, site: UInt, _ mode: M.Type
  ) -> Bool {
    guard let next = unsafe object.link, unsafe !isObject(next, slab, object.cache) else {
      return true
    }
    // Read before the state: a handler that defers the object changes the state first.
    if object.isIn(NL_OBJECT_DEFERRED) { return true }
    report(caller, Finding("Freepointer corrupt", object, site: site), M.self)
    unsafe object.link = nil
    return false
  }

  /// Links all free objects of a slab anew, list_lock held: their states say which they are.
  func rebuildFreelist(_ slab: Slab, _ cache: Cache) {
    let objects = Slab.objects(slab.counters)
    var first: UnsafeMutableRawPointer?
    var free = 0
    var i = objects &- 1
    while i >= 0 {
      let object = object(i, of: slab, cache)
      if object.isIn(NL_OBJECT_FREE) {
        unsafe object.link = first
        unsafe first = object.address
        free &+= 1
      }
      i &-= 1
    }
    unsafe nl_slab_store(slab.pointer, first, UInt64(objects &<< 16 | (objects &- free)))
  }
}
