import CNolock
import CPlatform

// Prefilled sheaves: a caller that may wait gets its objects in advance, and allocates them where it
// may not (kernel-reference §3.9).
//
// The objects of an oversize sheaf count as allocated when it is filled, those of a plain one when
// they are taken, because a plain sheaf may come from a barn and go back there.

extension Design {
  static func takeSheaf(_ vcpu: VCPU, _ cache: Cache, count: Int) -> Sheaf? { nil }
  static func putSheaf(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf) {}
  static func refill(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf) {}
  static func sheafCapacity(_ cache: Cache) -> Int { 0 }

  /// A sheaf with at least `count` objects; nil for a size outside 1...8192, unknown flags, more
  /// objects than one sheaf can hold, or without memory.
  ///
  /// - Context: task.
  static func prefill(_ size: UInt, _ gfp: UInt32, _ count: Int) -> Sheaf? {
    guard size &- 1 < UInt(NOLOCK_MAX_CACHE_SIZE), areKnown(gfp), count >= 0,
      count <= (Int(NOLOCK_MAX_SIZE) &- Sheaf.header) / 8, let vcpu = C.enterOrdinary()
    else { return nil }
    return prefill(
      vcpu, C.instance.cache(cacheIndex(Int(bitPattern: size), gfp), node: vcpu.node), count)
  }

  private static func prefill(_ vcpu: VCPU, _ cache: Cache, _ count: Int) -> Sheaf? {
    if count > sheafCapacity(cache) { return prefillOversize(vcpu, cache, count) }
    guard let sheaf = takeSheaf(vcpu, cache, count: count) else { return nil }
    unsafe sheaf.pointer.pointee.node = UInt32(vcpu.node)
    return sheaf
  }

  private static func prefillOversize(_ vcpu: VCPU, _ cache: Cache, _ count: Int) -> Sheaf? {
    let bytes = UInt(Sheaf.header &+ count &* 8)
    guard let memory = unsafe allocSlow(bytes, 0, NOLOCK_NO_NODE) else { return nil }
    let sheaf = unsafe Sheaf(memory.bindMemory(to: nl_sheaf.self, capacity: 1))
    unsafe sheaf.pointer.pointee.kind = NL_SHEAF_OVERSIZE.rawValue
    unsafe sheaf.pointer.pointee.capacity = UInt32(count)
    unsafe sheaf.pointer.pointee.cache = UInt32(cache.index)
    unsafe sheaf.pointer.pointee.node = UInt32(vcpu.node)
    sheaf.size = 0
    C.instance.count(vcpu, .prefillOversize)
    if fillOversize(vcpu, cache, sheaf) { return sheaf }
    unsafe freeSlow(UnsafeMutableRawPointer(sheaf.pointer))
    return nil
  }

  /// All or nothing.
  private static func fillOversize(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf) -> Bool {
    let wanted = sheaf.capacity &- sheaf.size
    let slots = unsafe sheaf.objects + sheaf.size
    let taken = unsafe take(vcpu, cache, into: slots, count: wanted)
    if taken < wanted {
      unsafe putBack(vcpu, cache.index, slots, count: taken)
      return false
    }
    sheaf.size = sheaf.capacity
    return true
  }

  /// An object of a prefilled sheaf; nil iff none is left.  A handler may interrupt its owner here
  /// and take from the same sheaf.
  ///
  /// - Context: any.  Progress: wait-free.
  static func allocate(from sheaf: Sheaf?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
    guard let sheaf else { return nil }
    let size = unsafe nl_sheaf_at_size(sheaf.pointer)
    let left = unsafe Int(nl_add_u32(size, 0 &- 1))
    // Behind 0 the word wraps.
    if left == 0 || left > sheaf.capacity {
      _ = unsafe nl_add_u32(size, 1)
      return nil
    }
    let object = unsafe sheaf.objects[left &- 1].unsafelyUnwrapped
    let instance = C.instance
    let vcpu = C.enterNolock()
    let cache = unsafe instance.cache(Int(sheaf.pointer.pointee.cache))
    if unsafe sheaf.pointer.pointee.kind == NL_SHEAF_PLAIN.rawValue {
      instance.count(vcpu, .allocPrefilled)
    }
    if cache.isAccounted { instance.chargeForced(cache.objectSize) }
    return unsafe cleared(object, cache, gfp)
  }

  /// Makes the sheaf hold at least `count` again: 0, −ENOMEM or −EINVAL.
  ///
  /// - Context: task.
  static func refill(_ place: UnsafeMutablePointer<UnsafeMutablePointer<nl_sheaf>?>?, _ count: Int)
    -> Int32
  {
    guard let place = unsafe place, let pointer = unsafe place.pointee,
      let vcpu = C.enterOrdinary(), count >= 0
    else { return -22 }
    let sheaf = unsafe Sheaf(pointer)
    if sheaf.size >= count { return 0 }
    let cache = unsafe C.instance.cache(Int(pointer.pointee.cache), node: vcpu.node)
    // On another node than its objects', it is exchanged, too.
    let hasMoved = unsafe pointer.pointee.node != UInt32(vcpu.node)
    if sheaf.capacity < count || hasMoved {
      guard let larger = prefill(vcpu, cache, count) else { return -12 }
      giveBack(sheaf)
      unsafe place.pointee = larger.pointer
      return 0
    }
    if unsafe pointer.pointee.kind == NL_SHEAF_OVERSIZE.rawValue {
      return fillOversize(vcpu, cache, sheaf) ? 0 : -12
    }
    refill(vcpu, cache, sheaf)
    return sheaf.size >= count ? 0 : -12
  }

  /// Takes a prefilled sheaf back.
  ///
  /// - Context: task.
  static func giveBack(_ sheaf: Sheaf?) {
    guard let sheaf, let vcpu = C.enterOrdinary() else { return }
    let index = unsafe Int(sheaf.pointer.pointee.cache)
    let cache = C.instance.cache(index, node: vcpu.node)
    if unsafe sheaf.pointer.pointee.kind == NL_SHEAF_OVERSIZE.rawValue {
      unsafe putBack(vcpu, index, sheaf.objects, count: sheaf.size)
      C.instance.count(vcpu, .returnSlow)
      unsafe freeSlow(UnsafeMutableRawPointer(sheaf.pointer))
    } else {
      putSheaf(vcpu, cache, sheaf)
    }
  }
}

// Where sheaves exist they come from the line and the barn, and go back there.
extension SheafDesign {
  static func sheafCapacity(_ cache: Cache) -> Int { cache.capacity }

  static func takeSheaf(_ vcpu: VCPU, _ cache: Cache, count: Int) -> Sheaf? {
    let instance = C.instance
    var found: Sheaf?
    if let line = enter(vcpu, cache) {
      if let spare = line.spare, spare.size > 0 {
        found = spare
        line.spare = nil
      }
      line.unlock()
    }
    instance.count(vcpu, found == nil ? .prefillSlow : .prefillFast)
    if found == nil { found = instance.takeAny(vcpu, cache) }
    guard let sheaf = found ?? instance.makeSheaf(vcpu, for: cache, Ordinary.self) else {
      return nil
    }
    if sheaf.size < count, !instance.refill(vcpu, sheaf, of: cache, upTo: sheaf.capacity),
      sheaf.size < count
    {
      instance.flush(vcpu, sheaf)
      instance.freeSheaf(vcpu, sheaf)
      return nil
    }
    return sheaf
  }

  static func refill(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf) {
    _ = C.instance.refill(vcpu, sheaf, of: cache, upTo: sheaf.capacity)
  }

  /// It becomes the spare where there is none; else it is filled for the barn, or flushed.
  static func putSheaf(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf) {
    let instance = C.instance
    // The thread may have moved to another node meanwhile.
    let isLocal = unsafe sheaf.pointer.pointee.node == UInt32(vcpu.node)
    if isLocal, let line = enter(vcpu, cache) {
      let isSpare = line.spare == nil && line.main != .bootstrap
      if isSpare { line.spare = sheaf }
      line.unlock()
      if isSpare { return instance.count(vcpu, .returnFast) }
    }
    instance.count(vcpu, .returnSlow)
    if isLocal, cache.barn.fullCount < instance.barnLimit,
      instance.refill(vcpu, sheaf, of: cache, upTo: sheaf.capacity)
    {
      return instance.putFull(vcpu, cache, sheaf)
    }
    instance.flush(vcpu, sheaf)
    instance.freeSheaf(vcpu, sheaf)
  }
}
