import CPlatform

extension Instance {
  /// Frees one object into its slab.
  ///
  /// - Context: task: it may wait for list_lock.
  @inline(never)
  func freeToSlab(_ caller: VCPU, _ object: UnsafeMutableRawPointer) {
    unsafe freeChain(caller, slab(of: object), first: object, last: object, count: 1)
  }

  /// Frees `count` objects of one cache; those of one slab travel together, so that one exchange
  /// frees many.  Changes the order of `slots`.
  ///
  /// - Context: task.
  func freeToSlabs(_ caller: VCPU, _ slots: Slot, count: Int) {
    var remaining = count
    while remaining > 0 {
      remaining &-= 1
      let first = unsafe slots[remaining].unsafelyUnwrapped
      let slab = unsafe slab(of: first)
      let cache = cache(of: slab)
      var last = unsafe first
      var n = 1
      var misses = 0
      var i = remaining &- 1
      // The kernel's look-ahead: three misses end the search.
      while i >= 0, misses < 3 {
        let object = unsafe slots[i].unsafelyUnwrapped
        if unsafe self.slab(of: object) == slab {
          unsafe cache.link(of: last).pointee = object
          unsafe last = object
          n &+= 1
          remaining &-= 1
          unsafe slots[i] = slots[remaining]
        } else {
          misses &+= 1
        }
        i &-= 1
      }
      unsafe freeChain(caller, slab, first: first, last: last, count: n)
    }
  }

  /// Frees a chain of objects of one slab (kernel-reference §3.7).
  ///
  /// A slab that was full, or becomes empty, changes its place: then list_lock is taken before the
  /// exchange, so that nobody sees it between two places.
  ///
  /// So it is after a few failures: a handler at every instruction that takes objects of this very
  /// slab would make the exchange fail for ever, and with list_lock held it cannot.
  func freeChain(
    _ caller: VCPU, _ slab: Slab, first: UnsafeMutableRawPointer, last: UnsafeMutableRawPointer,
    count n: Int
  ) {
    let cache = cache(of: slab)
    let node = cache.node
    var locked = false
    var failures = 0
    while true {
      let counters = slab.counters
      let freelist = unsafe slab.freelist
      unsafe cache.link(of: last).pointee = freelist
      let after = counters &- UInt64(n)
      let isFrozen = Slab.isFrozen(counters)  // its vCPU will look after it
      let wasFull = unsafe freelist == nil
      let isEmpty = Slab.inUse(after) == 0
      let toVCPU = wasFull && !isFrozen && !locked && keepsPartial(caller, cache)
      if ((wasFull && !toVCPU || isEmpty && !wasFull) && !isFrozen || failures > 3) && !locked {
        node.lock.acquire(caller)
        locked = true
        continue  // The words may have changed while we waited.
      }
      if unsafe slab.exchange(freelist, counters, first, after, Ordinary.self) {
        if locked, isFrozen {
          node.lock.release(caller, Ordinary.self)
        } else if locked {
          settle(caller, cache, slab, wasFull: wasFull, isEmpty: isEmpty)
        } else if toVCPU {
          putCPUPartial(caller, cache, slab)
        }
        if isFrozen { count(caller, .freeFrozen) }
        return
      }
      count(caller, .slabCASFail)
      failures &+= 1
    }
  }

  /// True if a slab that was full goes to the caller's own chain.  Not the worker's: it allocates
  /// nothing.
  @inline(__always)
  private func keepsPartial(_ caller: VCPU, _ cache: Cache) -> Bool {
    cache.cpuPartial != 0 && !caller.isShared && !caller.isWorker && cache.nodeNumber == caller.node
  }

  /// Puts a slab in its place after a free, list_lock held; releases it.
  @inline(__always)
  private func settle(_ caller: VCPU, _ cache: Cache, _ slab: Slab, wasFull: Bool, isEmpty: Bool) {
    let node = cache.node
    var unused = false
    if !slab.isOnPartial && !wasFull {
      // Somebody unlinked it and is taking its objects; that thread puts it back.
    } else if isEmpty && node.count >= cache.minimumPartial {
      if slab.isOnPartial { remove(caller, node, slab) }
      unused = true
    } else if !slab.isOnPartial {
      append(caller, node, slab)
    }
    node.lock.release(caller, Ordinary.self)
    if unused { discard(caller, slab, Ordinary.self) }
  }
}
