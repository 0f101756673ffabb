import CPlatform

// Free where the fast line gave up.

extension SheafDesign {
  @inline(__always)
  static func release<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if cache.nodeNumber != vcpu.node {
      C.instance.count(vcpu, .freeRemote)
    } else if unsafe freeToLine(vcpu, cache, object, M.self) {
      return true
    }
    if !M.waits { return false }
    C.instance.count(vcpu, .freeSlow)
    unsafe C.instance.freeToSlab(vcpu, object)
    return true
  }

  @inline(__always)
  private static func freeToLine<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if vcpu.isShared { return false }
    let line = vcpu.line(ofCache: cache.index)
    #if NOLOCK_BROKEN_EARLY_REQUEST
      if line.isRequested { return false }
    #endif
    guard line.tryLock() else {
      C.instance.count(vcpu, .lineBusy)
      return false
    }
    return unsafe freeLocked(vcpu, line, cache, object, M.self)
  }

  /// Main is full or closed, lock held; returns it.  False: the caller must place the object
  /// (kernel-reference §3.6).
  @inline(never)
  static func freeLocked<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    let instance = C.instance
    #if !NOLOCK_BROKEN_EARLY_REQUEST
      if line.isRequested {
        line.unlock()
        instance.count(vcpu, .requestSeen)
        return false
      }
    #endif
    probePoint(NL_PROBE_LINE_FREE)
    let drains = M.waits && line.takePending(vcpu)
    defer { if drains { C.drainOwn(vcpu) } }

    if line.count < line.main.capacity {  // Only the bounds were poisoned.
      line.restoreBounds()
    } else if !makeRoom(vcpu, line, cache, M.self) {
      return false
    }
    unsafe line.push(object)
    line.unlock()
    return true
  }

  /// Replaces a full main; true with the line locked and room in main, false with it unlocked.
  @inline(__always)
  private static func makeRoom<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> Bool {
    switch replaceFullMain(vcpu, line, cache, M.self) {
    case .replaced: return true
    case .tooManyFull(let spare) where M.waits:
      // The spare goes to the slabs and comes back as the empty one.
      line.spare = nil
      line.unlock()
      C.instance.flush(vcpu, spare)
      return place(vcpu, line, cache, empty: spare)
    default: return replaceUnlocked(vcpu, line, cache, M.self)
    }
  }

  /// Gets an empty sheaf with the line unlocked.
  @inline(__always)
  private static func replaceUnlocked<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> Bool {
    line.unlock()
    guard M.waits, let empty = C.instance.makeSheaf(vcpu, for: cache, Ordinary.self) else {
      return false
    }
    return place(vcpu, line, cache, empty: empty)
  }

  /// Puts an empty sheaf where there is room for it, now that handlers may have used the line.
  @inline(__always)
  private static func place(_ vcpu: VCPU, _ line: Line, _ cache: Cache, empty: Sheaf) -> Bool {
    let instance = C.instance
    guard line.relock() else {
      instance.putEmpty(vcpu, cache, empty)
      return false
    }
    let main = line.main
    if main == .bootstrap {
      line.install(main: empty)
      return true
    }
    if line.count < main.capacity {
      line.restoreBounds()
      instance.putEmpty(vcpu, cache, empty)
      return true
    }
    main.size = main.capacity
    guard let spare = line.spare else {
      line.spare = main
      line.install(main: empty)
      return true
    }
    line.spare = spare.size < spare.capacity ? main : spare
    if spare.size < spare.capacity {
      line.install(main: spare)
      instance.putEmpty(vcpu, cache, empty)
    } else {
      line.install(main: empty)
      instance.putFull(vcpu, cache, main)
    }
    return true
  }
}
