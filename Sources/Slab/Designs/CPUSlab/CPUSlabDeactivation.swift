import CPlatform

// How an active slab ceases to be one.

extension CPUSlabDesign {
  /// Gives an active slab and the objects taken off it back to the node.
  ///
  /// - Context: task, no lock held.
  static func deactivate(
    _ caller: VCPU, _ cache: Cache, _ slab: Slab, _ freelist: UnsafeMutableRawPointer?
  ) {
    let instance = C.instance
    instance.count(caller, .deactivate)
    var last = unsafe freelist
    var n = 0
    while let object = unsafe last {
      n &+= 1
      guard let next = unsafe cache.link(of: object).pointee else { break }
      unsafe last = next
    }
    while true {
      let counters = slab.counters
      let old = unsafe slab.freelist
      if let last = unsafe last { unsafe cache.link(of: last).pointee = old }
      let after = (counters & ~Slab.frozen) &- UInt64(n)
      let first = unsafe freelist ?? old
      if unsafe slab.exchange(old, counters, first, after, Ordinary.self) {
        slab.next = nil
        // Full: the next free of one of its objects puts it on a list.
        if unsafe first != nil { instance.putPartials(caller, cache, slab) }
        return
      }
      instance.count(caller, .slabCASFail)
    }
  }

  /// The same where nobody may wait: the slab goes on this vCPU's list with its objects saved in
  /// its descriptor.
  ///
  /// - Context: any.  Progress: wait-free.
  /// - Ordering: release; pairs with the acquire in `drainSlabs`.
  @inline(__always)
  static func deferDeactivation(
    _ vcpu: VCPU, _ slab: Slab, _ freelist: UnsafeMutableRawPointer?
  ) {
    unsafe slab.pointer.pointee.saved = freelist
    _ = unsafe WaitFreeStack.push(
      nl_deferred_at_head(vcpu.deferredSlabs.pointer), UnsafeMutableRawPointer(slab.pointer),
      link: nl_slab_at_next(slab.pointer))
    C.instance.count(vcpu, .deactivateDeferred)
    unsafe nl_instance_set_dirty(C.instance.pointer, 1)
  }

  static func drainSlabs(_ caller: VCPU, of vcpu: VCPU) -> Bool {
    let list = vcpu.deferredSlabs
    if !list.hasWork { return false }
    let isOwn = !C.Preempt.isRT && caller == vcpu
    guard list.beginDrain(isOwn: isOwn) else { return true }
    let instance = C.instance
    var node =
      unsafe list.pointer.pointee.stalled
      ?? WaitFreeStack.takeAll(nl_deferred_at_head(list.pointer))
    // As in `drain`.
    unsafe list.note(isOwn ? node : nil)
    while let slot = unsafe node {
      let slab = unsafe Slab(slot.assumingMemoryBound(to: nl_slab.self))
      let next = unsafe nl_load_pointer(nl_slab_at_next(slab.pointer))
      // The push behind this slab is under way: its link is not known yet.
      if unsafe next == WaitFreeStack.pending { break }
      if isOwn { unsafe list.note(next) }
      unsafe deactivate(caller, instance.cache(of: slab), slab, slab.pointer.pointee.saved)
      unsafe node = next
    }
    unsafe list.note(node)
    unsafe nl_release_u8(nl_deferred_at_draining(list.pointer))
    return list.hasWork
  }

  /// The owner's answer to a flusher's request.
  ///
  /// - Context: task, no lock held.
  @inline(never)
  static func giveUp(_ vcpu: VCPU, _ line: Line, _ cache: Cache) {
    unsafe nl_line_release_request(line.pointer)
    guard line.tryLock() else { return }
    let held = unsafe takeAll(line)
    line.unlock()
    unsafe giveBack(vcpu, cache, held)
  }

  static func empty(_ caller: VCPU, _ line: Line, of cache: Cache) {
    unsafe giveBack(caller, cache, takeAll(line))
  }

  /// What a line held: the active slab, the objects taken off it, and the partial slabs.
  private typealias Held = (slab: Slab?, freelist: UnsafeMutableRawPointer?, chain: Slab?)

  /// Empties a line, lock held.
  @inline(__always)
  private static func takeAll(_ line: Line) -> Held {
    let cpu = CPUSlab(line)
    let held = unsafe (cpu.slab, cpu.freelist, cpu.partial)
    cpu.partial = nil
    cpu.partialCount = 0
    cpu.clear()
    return unsafe held
  }

  @inline(__always)
  private static func giveBack(_ caller: VCPU, _ cache: Cache, _ held: Held) {
    if let slab = unsafe held.slab { unsafe deactivate(caller, cache, slab, held.freelist) }
    unsafe C.instance.putPartials(caller, cache, held.chain)
  }
}
