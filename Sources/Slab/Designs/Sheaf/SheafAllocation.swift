import CPlatform

// Allocation where the fast line gave up.

extension SheafDesign {
  @inline(__always)
  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    // Sheaves hold objects of the thread's own node only.
    if cache.nodeNumber == vcpu.node {
      if let object = unsafe allocFromLine(vcpu, cache, M.self) { return unsafe object }
    }
    guard let object = unsafe C.instance.allocateFromSlab(vcpu, cache, M.self) else { return nil }
    C.instance.countSlow(vcpu, M.self)
    return unsafe object
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
      C.instance.count(vcpu, .lineBusy)
      return nil
    }
    return unsafe allocLocked(vcpu, line, cache, M.self)
  }

  /// Main is empty or closed, lock held; returns it (kernel-reference §3.5).
  @inline(never)
  static func allocLocked<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    let instance = C.instance
    #if !NOLOCK_BROKEN_EARLY_REQUEST
      if line.isRequested {
        line.unlock()
        instance.count(vcpu, .requestSeen)
        return nil
      }
    #endif
    probePoint(NL_PROBE_LINE_ALLOC)
    // Deferred work: noted here, drained when no lock is held.
    let drains = M.waits && line.takePending(vcpu)
    defer { if drains { C.drainOwn(vcpu) } }

    if line.count > 0 {  // Only the bounds were poisoned.
      line.restoreBounds()
    } else if replaceEmptyMain(vcpu, line, cache, M.self) {
      // From the spare or the barn.
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
    let instance = C.instance
    let spare = line.spare
    let wanted = fill(of: line, cache)
    line.spare = nil
    line.unlock()
    guard
      let sheaf = spare ?? instance.takeEmpty(vcpu, cache, Ordinary.self)
        ?? instance.makeSheaf(vcpu, for: cache, Ordinary.self)
    else { return false }
    guard instance.refill(vcpu, sheaf, of: cache, upTo: wanted) else {
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
        C.instance.putEmpty(vcpu, cache, main)
      } else {
        let old = line.spare
        line.spare = main
        line.install(main: sheaf)
        if let old { C.instance.putEmpty(vcpu, cache, old) }
      }
    } else {
      line.restoreBounds()
      let old = line.spare
      if let old, old.size > 0 {
        C.instance.putFull(vcpu, cache, sheaf)
      } else {
        line.spare = sheaf
        if let old { C.instance.putEmpty(vcpu, cache, old) }
      }
    }
    return true
  }

  /// How many objects the line's next sheaf is filled with.  A thread's first two together hold as
  /// many as one has room for: what a batch of that many takes goes back into one sheaf.
  @inline(__always)
  private static func fill(of line: Line, _ cache: Cache) -> Int {
    if line.main == .bootstrap { return cache.firstFill }
    let isSecond = line.spare == nil && cache.firstFill < cache.capacity
    return isSecond ? cache.capacity &- cache.firstFill : cache.capacity
  }
}
