import CNolock
import CPlatform

// Allocation where the fast line gave up.

extension SheafDesign {
  static var zeroSizePointer: UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: 16)
  }

  /// True for flags that the allocator knows.
  @inline(__always)
  static func areKnown(_ gfp: UInt32) -> Bool {
    gfp & ~(NOLOCK_GFP_ZERO.rawValue | NOLOCK_GFP_ACCOUNT.rawValue) == 0
  }

  /// The number of the cache that serves `size`, 1...8192 bytes.
  @inline(__always)
  static func cacheIndex(_ size: Int, _ gfp: UInt32) -> Int {
    let family = gfp & NOLOCK_GFP_ACCOUNT.rawValue != 0 ? Int(NL_BUCKETS) : 0
    return family &+ Buckets.index(forSize: size)
  }

  @inline(__always)
  static func cleared(
    _ object: UnsafeMutableRawPointer, _ cache: Cache, _ gfp: UInt32
  ) -> UnsafeMutableRawPointer? {
    if gfp & NOLOCK_GFP_ZERO.rawValue != 0 { unsafe nl_clear(object, cache.objectSize) }
    return unsafe object
  }

  /// Ordinary allocation, slow path.
  ///
  /// Returns nil iff a flag is unknown, the size is above NOLOCK_MAX_SIZE, or there is no memory.
  /// - Context: task.
  @inline(never)
  static func allocSlow(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UnsafeMutableRawPointer? {
    if size == 0 { return unsafe zeroSizePointer }
    guard areKnown(gfp) else { return nil }
    let instance = T.instance
    guard let vcpu = enterOrdinary() else { return nil }
    if size > UInt(NOLOCK_MAX_CACHE_SIZE) { return unsafe instance.allocateLarge(vcpu, size, gfp) }
    let cache = instance.cache(cacheIndex(Int(bitPattern: size), gfp))
    if let object = unsafe allocFromLine(vcpu, cache, Ordinary.self) {
      return unsafe cleared(object, cache, gfp)
    }
    guard let object = unsafe instance.allocateFromSlab(vcpu, cache, Ordinary.self) else {
      return nil
    }
    instance.count(vcpu, .allocSlow)
    return unsafe cleared(object, cache, gfp)
  }

  /// Allocation in any context, slow path: the bucket, then the next larger one, then nil.
  ///
  /// - Context: any.  Progress: wait-free but for the slab's exchange, which is capped.
  @inline(never)
  static func allocNolockSlow(
    _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? {
    if size == 0 { return unsafe zeroSizePointer }
    guard areKnown(gfp), T.instance.isStarted else { return nil }
    let instance = T.instance
    let vcpu = enterNolock()
    var wanted = size
    var attempt = 0
    while attempt < 2, wanted <= UInt(NOLOCK_MAX_CACHE_SIZE) {
      let cache = instance.cache(cacheIndex(Int(bitPattern: wanted), gfp))
      if attempt == 1 { instance.count(vcpu, .nextBucket) }
      if let object = unsafe allocFromLine(vcpu, cache, Nolock.self) {
        return unsafe cleared(object, cache, gfp)
      }
      if let object = unsafe instance.allocateFromSlab(vcpu, cache, Nolock.self) {
        instance.count(vcpu, .allocSlow)
        return unsafe cleared(object, cache, gfp)
      }
      wanted = UInt(bitPattern: cache.objectSize) &+ 1
      attempt &+= 1
    }
    instance.count(vcpu, .nolockNull)
    return nil
  }

  /// An object by way of the vCPU's line; nil if the line is held or no sheaf has one.
  @inline(__always)
  private static func allocFromLine<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    if vcpu.isShared { return nil }
    let line = vcpu.line(ofCache: cache.index)
    #if NOLOCK_BROKEN_EARLY_REQUEST
      if line.isRequested { return nil }
    #endif
    guard line.tryLock() else {
      T.instance.count(vcpu, .lineBusy)
      return nil
    }
    return unsafe allocLocked(vcpu, line, cache, M.self)
  }

  /// Main is empty or closed, lock held; returns it (kernel-reference §3.5).
  @inline(never)
  static func allocLocked<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    let instance = T.instance
    #if !NOLOCK_BROKEN_EARLY_REQUEST
      if line.isRequested {
        line.unlock()
        instance.count(vcpu, .requestSeen)
        return nil
      }
    #endif
    probePoint(NL_PROBE_LINE_ALLOC)
    // Deferred work: noted here, drained when no lock is held.
    let drains = M.waits && line.isPending
    if drains { line.isPending = false }
    defer { if drains { instance.drainOwn(vcpu) } }

    if line.count > 0 {  // Only the bounds were poisoned.
      line.restoreBounds()
    } else if let spare = line.spare, spare.size > 0 {
      let main = line.main
      main.size = 0
      line.spare = main == .bootstrap ? nil : main
      line.install(main: spare)
      instance.count(vcpu, .spareSwap)
    } else if let full = instance.exchangeEmptyForFull(vcpu, cache, line.main, M.self) {
      line.install(main: full)
    } else if !M.waits {
      line.unlock()
      return nil
    } else if !refillUnlocked(vcpu, line, cache) {
      return nil
    }
    let object = unsafe line.pop()
    line.unlock()
    return unsafe object
  }

  /// Fills a sheaf from slabs with the line unlocked meanwhile; true with the line locked and main
  /// not empty, false with it unlocked.
  @inline(__always)
  private static func refillUnlocked(_ vcpu: VCPU, _ line: Line, _ cache: Cache) -> Bool {
    let instance = T.instance
    let spare = line.spare
    line.spare = nil
    line.unlock()
    guard
      let sheaf = spare ?? instance.takeEmpty(vcpu, cache, Ordinary.self)
        ?? instance.makeSheaf(vcpu, for: cache, Ordinary.self)
    else { return false }
    guard instance.refill(vcpu, sheaf, of: cache) else {
      instance.flush(vcpu, sheaf)
      instance.freeSheaf(vcpu, sheaf)
      return false
    }
    guard line.relock() else {
      instance.putFull(vcpu, cache, sheaf)
      return false
    }
    // Handlers may have used the line meanwhile, so everything is looked at again.  The barn's lock
    // nests in the line's.
    let main = line.main
    if main == .bootstrap {
      line.install(main: sheaf)
    } else if line.count == 0 {
      main.size = 0
      if let spare = line.spare, spare.size > 0 {
        // A handler left a full spare: both are welcome.
        line.install(main: spare)
        line.spare = sheaf
        T.instance.putEmpty(vcpu, cache, main)
      } else {
        let old = line.spare
        line.spare = main
        line.install(main: sheaf)
        if let old { T.instance.putEmpty(vcpu, cache, old) }
      }
    } else {
      line.restoreBounds()
      let old = line.spare
      if let old, old.size > 0 {
        T.instance.putFull(vcpu, cache, sheaf)
      } else {
        line.spare = sheaf
        if let old { T.instance.putEmpty(vcpu, cache, old) }
      }
    }
    return true
  }
}
