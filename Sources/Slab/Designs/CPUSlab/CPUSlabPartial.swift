import CPlatform

// Slabs on their way between a vCPU and a node.

extension Instance {
  @safe
  enum Freelist {
    /// The slab's free objects; it is frozen.
    case taken(UnsafeMutableRawPointer)
    /// It has none, is no longer frozen, and from now on whoever frees one of its objects has it.
    case full
    /// Frees of other threads made a nolock call fail too often; it is as it was.
    case busy
  }

  /// Takes all free objects of a slab that is this vCPU's.
  @inline(__always)
  func takeFreelist<M: CallMode>(_ caller: VCPU, _ slab: Slab, _ mode: M.Type) -> Freelist {
    var tries = 0
    while true {
      let counters = slab.counters
      let objects = UInt64(Slab.objects(counters))
      let full = objects &<< 16 | objects
      if let first = unsafe slab.freelist {
        if unsafe slab.exchange(first, counters, nil, full | Slab.frozen, M.self) {
          return unsafe .taken(first)
        }
      } else if unsafe slab.exchange(nil, counters, nil, full, M.self) {
        return .full
      }
      count(caller, .slabCASFail)
      tries &+= 1
      if !M.waits, tries == Self.exchangeCap { return .busy }
    }
  }

  /// Takes slabs off the node's list: one to use and, for the vCPU's own chain, half as many as it
  /// may keep; linked by `next`.
  ///
  /// Returns nil iff the list is empty, or list_lock was held and `M` may not wait.
  @inline(__always)
  func isolatePartials<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Slab? {
    let node = cache.node
    // Racy: a slab overlooked costs a new one.
    if node.racyCount == 0 { return nil }
    guard enter(node, caller, M.self) else { return nil }
    var chain: Slab?
    var taken: UInt32 = 0
    while taken <= cache.cpuPartial / 2, let slab = node.head {
      remove(caller, node, slab)
      slab.next = chain
      chain = slab
      taken &+= 1
    }
    node.lock.release(caller, M.self)
    return chain
  }

  /// Puts a slab that was full on the vCPU's chain; a chain that is too long goes to the node.
  ///
  /// - Context: task, no lock held.
  func putCPUPartial(_ caller: VCPU, _ cache: Cache, _ slab: Slab) {
    let cpu = CPUSlab(caller.line(ofCache: cache.index))
    guard cpu.line.tryLock() else {
      slab.next = nil
      return putPartials(caller, cache, slab)  // after a siglongjmp
    }
    probePoint(NL_PROBE_LINE_FREE)
    var surplus: Slab?
    if cpu.partialCount >= UInt64(cache.cpuPartial) {
      surplus = cpu.partial
      cpu.partial = nil
      cpu.partialCount = 0
    }
    cpu.pushPartial(slab)
    cpu.line.unlock()
    count(caller, .cpuPartialFree)
    if surplus != nil {
      count(caller, .cpuPartialDrain)
      putPartials(caller, cache, surplus)
    }
  }

  /// Puts a chain of slabs that are on no list, not frozen and not full on the node's; empty ones
  /// above its minimum go back to the pages.
  ///
  /// - Context: task, no lock held.
  func putPartials(_ caller: VCPU, _ cache: Cache, _ chain: Slab?) {
    guard chain != nil else { return }
    let node = cache.node
    var rest = chain
    var unused: Slab?
    node.lock.acquire(caller)
    while let slab = rest {
      rest = slab.next
      if Slab.inUse(slab.counters) == 0, node.count >= cache.minimumPartial {
        slab.next = unused
        unused = slab
      } else {
        append(caller, node, slab)
      }
    }
    node.lock.release(caller, Ordinary.self)
    while let slab = unused {
      unused = slab.next
      discard(caller, slab, Ordinary.self)
    }
  }
}
