import CPlatform

// ___slab_alloc(): where the active slab has nothing (kernel-reference §2.2–§2.4).

extension CPUSlabDesign {
  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    if vcpu.isShared || cache.nodeNumber != vcpu.node {
      return unsafe fromNode(vcpu, cache, M.self)
    }
    let line = vcpu.line(ofCache: cache.index)
    if M.waits {
      drainOwn(vcpu)
      if line.isRequested { giveUp(vcpu, line, cache) }
    }
    // −EBUSY: what this call interrupted is inside the section that edits the line, or (RT) another
    // task is, and the caller may not wait for it.
    guard line.acquire(M.self) else {
      C.instance.count(vcpu, .lineBusy)
      // An ordinary call gets here only after a siglongjmp out of the section.
      return M.waits ? unsafe fromNode(vcpu, cache, M.self) : nil
    }
    probePoint(NL_PROBE_LINE_ALLOC)
    let cpu = CPUSlab(line)
    if let object = unsafe takeLocked(vcpu, cpu, cache, M.self) {
      line.unlock()
      C.instance.countSlow(vcpu, M.self)
      return unsafe object
    }
    line.unlock()
    return unsafe takeNew(vcpu, cpu, cache, M.self)
  }

  /// One object past the vCPU's layer.
  @inline(__always)
  private static func fromNode<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    guard let object = unsafe C.instance.allocateFromSlab(vcpu, cache, M.self) else { return nil }
    C.instance.countSlow(vcpu, M.self)
    return unsafe object
  }

  /// An object of the active slab or of the vCPU's partial ones, lock held; nil if there is none.
  @inline(__always)
  private static func takeLocked<M: CallMode>(
    _ vcpu: VCPU, _ cpu: CPUSlab<C.Preempt>, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    if let slab = cpu.slab {
      // A handler may have put objects there, or handlers made the fast path fail.
      if let first = unsafe cpu.freelist { return unsafe load(cpu, slab, first) }
      if let object = unsafe takeFreelist(vcpu, cpu, slab, M.self) { return unsafe object }
      if cpu.slab != nil { return nil }
    }
    guard let slab = cpu.popPartial() else { return nil }
    C.instance.count(vcpu, .cpuPartialAlloc)
    if let object = unsafe takeFreelist(vcpu, cpu, slab, M.self) { return unsafe object }
    cpu.pushPartial(slab)
    return nil
  }

  /// Makes `slab` active with all its free objects and takes the first, lock held.
  ///
  /// Returns nil iff a nolock call had to give up, or the slab was active and is full: then the
  /// line has no active slab any more.
  @inline(__always)
  private static func takeFreelist<M: CallMode>(
    _ vcpu: VCPU, _ cpu: CPUSlab<C.Preempt>, _ slab: Slab, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    switch C.instance.takeFreelist(vcpu, slab, M.self) {
    case .taken(let first): return unsafe load(cpu, slab, first)
    case .full: cpu.clear()
    case .busy: break
    }
    return nil
  }

  /// Makes `slab` active and takes the first of its objects, lock held.
  @inline(__always)
  private static func load(
    _ cpu: CPUSlab<C.Preempt>, _ slab: Slab, _ first: UnsafeMutableRawPointer
  )
    -> UnsafeMutableRawPointer
  {
    unsafe cpu.install(slab, cpu.link(of: first).pointee)
    return unsafe first
  }

  /// An object of a slab from the node's list, or of a new one, which becomes active.
  @inline(__always)
  private static func takeNew<M: CallMode>(
    _ vcpu: VCPU, _ cpu: CPUSlab<C.Preempt>, _ cache: Cache, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    let instance = C.instance
    let chain = instance.isolatePartials(vcpu, cache, M.self)
    guard let slab = chain ?? instance.makeSlab(vcpu, cache, M.self) else { return nil }
    var rest = chain?.next
    guard cpu.line.acquire(M.self) else {
      // Only after a siglongjmp out of the section, or in a nolock call of the RT form.
      if M.waits {
        slab.next = rest
        instance.putPartials(vcpu, cache, slab)
        return unsafe fromNode(vcpu, cache, M.self)
      }
      unsafe deferDeactivation(vcpu, slab, nil)
      while let next = rest {
        rest = next.next
        unsafe deferDeactivation(vcpu, next, nil)
      }
      return nil
    }
    while let next = rest {
      rest = next.next
      cpu.pushPartial(next)
      instance.count(vcpu, .cpuPartialNode)
    }
    guard case .taken(let first) = instance.takeFreelist(vcpu, slab, M.self) else {
      cpu.pushPartial(slab)
      cpu.line.unlock()
      return nil
    }
    // A handler may have installed one while the lock was free.
    let old = cpu.slab
    let oldFreelist = unsafe cpu.freelist
    let object = unsafe load(cpu, slab, first)
    cpu.line.unlock()
    if let old {
      if M.waits {
        unsafe deactivate(vcpu, cache, old, oldFreelist)
      } else {
        unsafe deferDeactivation(vcpu, old, oldFreelist)
      }
    }
    instance.countSlow(vcpu, M.self)
    return unsafe object
  }
}
