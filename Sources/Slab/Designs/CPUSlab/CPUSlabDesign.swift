import CPlatform

/// The design of Linux 6.18: a slab per vCPU, whose objects are taken and returned by one exchange
/// of {freelist, tid} without any lock (kernel-reference §2).
///
/// Differences from the kernel: an exchange that a handler made fail eight times goes to the slow
/// path (the kernel loops for ever); a silent thread's slab cannot be taken from outside, its owner
/// gives it up at its next slow call (the kernel sends work to the CPU).
enum CPUSlabDesign<C: Configuration>: Design {
  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, _ object: inout UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool {
    if C.Preempt.isRT { return unsafe hitLocked(CPUSlab(line), &object) }
    // An ordinary call never interrupts the lock's holder.
    #if !NOLOCK_BROKEN_NO_TRYLOCK
      if !M.waits, line.isLocked { return false }
    #endif
    guard let found = unsafe CPUSlab(line).pop() else { return false }
    unsafe object = found
    unsafe nl_count(&line.pointer.pointee.alloc_fast)
    return true
  }

  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, freeing object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if C.Preempt.isRT { return unsafe hitLocked(CPUSlab(line), freeing: object) }
    #if !NOLOCK_BROKEN_NO_TRYLOCK
      if !M.waits, line.isLocked { return false }
    #endif
    // A dummy line's slab is no page's: `object` may be anything here.
    guard unsafe CPUSlab(line).push(object, of: C.instance.slab(of: object)) else { return false }
    unsafe nl_count(&line.pointer.pointee.frees)
    return true
  }

  /// RT: takes the first free object under the lock.  A dummy line is always locked.
  @inline(__always)
  private static func hitLocked(
    _ cpu: CPUSlab<C.Preempt>, _ object: inout UnsafeMutableRawPointer?
  ) -> Bool {
    let line = cpu.line
    guard line.tryLock() else { return false }
    let first = unsafe cpu.freelist
    if let first = unsafe first {
      unsafe cpu.install(cpu.slab, cpu.link(of: first).pointee)
      unsafe nl_count(&line.pointer.pointee.alloc_fast)
    }
    line.unlock()
    unsafe object = first
    return unsafe first != nil
  }

  /// RT: returns an object to the active slab under the lock.
  @inline(__always)
  private static func hitLocked(
    _ cpu: CPUSlab<C.Preempt>, freeing object: UnsafeMutableRawPointer
  ) -> Bool {
    let line = cpu.line
    guard line.tryLock() else { return false }
    let owner = unsafe C.instance.slab(of: object)
    let mine = cpu.slab == owner
    if mine {
      unsafe cpu.link(of: object).pointee = cpu.freelist
      unsafe cpu.install(owner, object)
      unsafe nl_count(&line.pointer.pointee.frees)
    }
    line.unlock()
    return mine
  }

  /// A nolock free never touches the slab itself: the exchange may require list_lock afterwards.
  @inline(__always)
  static func release<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if !M.waits {
      if !vcpu.isShared, vcpu.line(ofCache: cache.index).isLocked {
        C.instance.count(vcpu, .lineBusy)
      }
      return false
    }
    drainOwn(vcpu)
    C.instance.count(vcpu, .freeSlow)
    unsafe C.instance.freeToSlab(vcpu, object)
    return true
  }

  /// Settles what handlers of this thread left behind; no lock is held.
  @inline(__always)
  static func drainOwn(_ vcpu: VCPU) {
    if vcpu.isShared { return }
    if vcpu.deferred.hasWork { C.drainOwn(vcpu) }
    _ = drainSlabs(vcpu, of: vcpu)
  }

  // A line's life.

  @inline(__always)
  static func open(_ line: Line, of cache: Cache) {
    let cpu = CPUSlab(line)
    cpu.clear()
    cpu.partial = nil
    cpu.partialCount = 0
  }

  /// The slow path looks at the list itself.
  @inline(__always)
  static func wake(_ line: Line) {}

  /// RT: empties what nobody is using.  Else only asks: an exchange without lock prefix cannot be excluded from another CPU.
  static func flushRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int {
    if C.Preempt.isRT { return C.emptyLines(caller, vcpu) }
    var i = 0
    while i < Int(NL_CACHES) {
      unsafe nl_line_set_request(vcpu.line(ofCache: i).pointer, 1)
      i &+= 1
    }
    C.instance.count(caller, .remoteNotTaken, by: Int(NL_CACHES))
    return Int(NL_CACHES)
  }
}
