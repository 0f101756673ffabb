import CNolock
import CPlatform

// Many objects in one call.  Ordinary callers only, as in the kernel.

extension Design {
  static func take(_ vcpu: VCPU, _ cache: Cache, into slots: Slot, count: Int) -> Int {
    var taken = 0
    while taken < count, let object = unsafe allocate(vcpu, cache, Ordinary.self) {
      unsafe slots[taken] = object
      taken &+= 1
    }
    return taken
  }

  static func put(_ vcpu: VCPU, _ cache: Cache, _ slots: Slot, count: Int) {
    var i = 0
    while i < count {
      _ = unsafe release(vcpu, cache, slots[i].unsafelyUnwrapped, Ordinary.self)
      i &+= 1
    }
  }

  /// Fills `slots` with `count` objects: all of them, or none and returns 0.
  ///
  /// - Context: task.
  static func kmallocBulk(_ size: UInt, _ gfp: UInt32, _ count: Int, _ slots: Slot?) -> Int {
    guard let slots = unsafe slots, count > 0, areKnown(gfp),
      size &- 1 < UInt(NOLOCK_MAX_CACHE_SIZE), let vcpu = C.enterOrdinary()
    else { return 0 }
    let instance = C.instance
    let cache = instance.cache(cacheIndex(Int(bitPattern: size), gfp), node: vcpu.node)
    let taken = unsafe take(vcpu, cache, into: slots, count: count)
    let isPaid = !cache.isAccounted || instance.charge(vcpu, taken &* cache.objectSize)
    if taken < count || !isPaid {
      if isPaid, cache.isAccounted { instance.uncharge(vcpu, taken &* cache.objectSize) }
      unsafe putBack(vcpu, cache.index, slots, count: taken)
      return 0
    }
    if gfp & NOLOCK_GFP_ZERO.rawValue != 0 {
      var i = 0
      while i < count {
        unsafe nl_clear(slots[i].unsafelyUnwrapped, cache.objectSize)
        i &+= 1
      }
    }
    return count
  }

  /// Frees `count` objects, of any sizes; changes their order.
  ///
  /// - Context: task.
  static func kfreeBulk(_ count: Int, _ slots: Slot?) {
    guard let slots = unsafe slots, let vcpu = C.enterOrdinary() else { return }
    let instance = C.instance
    var i = 0
    while i < count {
      guard let object = unsafe slots[i], let cache = unsafe instance.cache(at: object) else {
        unsafe freeSlow(slots[i])  // NULL, whole pages, or no object
        i &+= 1
        continue
      }
      var end = i &+ 1
      while end < count, let next = unsafe slots[end],
        let other = unsafe instance.cache(at: next), other.index == cache.index
      {
        end &+= 1
      }
      let n = end &- i
      if cache.isAccounted { instance.uncharge(vcpu, n &* cache.objectSize) }
      unsafe putBack(vcpu, cache.index, slots + i, count: n)
      i = end
    }
  }

  /// Objects of other nodes that travel to their slabs together.
  private static var remoteBatch: Int { 32 }

  /// Frees objects of one bucket: those of other nodes, moved to the end, go to their slabs.
  ///
  /// - Context: task.
  static func putBack(_ vcpu: VCPU, _ cacheIndex: Int, _ slots: Slot, count: Int) {
    let cache = C.instance.cache(cacheIndex, node: vcpu.node)
    var size = count
    var remote = 0
    var i = 0
    while i < size {
      let object = unsafe slots[i].unsafelyUnwrapped
      if unsafe isLocal(vcpu, object) {
        i &+= 1
        continue
      }
      size &-= 1
      unsafe slots[i] = slots[size]
      unsafe slots[size] = object
      remote &+= 1
      if remote == remoteBatch {
        unsafe putRemote(vcpu, slots + size, count: remote)
        remote = 0
        #if NOLOCK_BROKEN_BULK_REMOTE
          // The kernel until af9ea231c0b4: with nothing left to look at it was done, and the local
          // objects that it had gone past were lost.
          if i == size { return }
        #endif
      }
    }
    unsafe putRemote(vcpu, slots + size, count: remote)
    unsafe put(vcpu, cache, slots, count: size)
  }

  @inline(__always)
  private static func isLocal(_ vcpu: VCPU, _ object: UnsafeMutableRawPointer) -> Bool {
    let instance = C.instance
    if instance.nodeCount == 1 { return true }
    return unsafe instance.node(ofPage: instance.page(at: object).unsafelyUnwrapped) == vcpu.node
  }

  private static func putRemote(_ vcpu: VCPU, _ slots: Slot, count: Int) {
    if count == 0 { return }
    let instance = C.instance
    instance.count(vcpu, .freeRemote, by: count)
    instance.count(vcpu, .freeSlow, by: count)
    unsafe instance.freeToSlabs(vcpu, slots, count: count)
  }
}
