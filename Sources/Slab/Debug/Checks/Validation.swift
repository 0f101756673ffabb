import CPlatform

// The kernel's validate_slab_cache(), for all caches: what slub_kunit calls after each damage.

extension Instance {
  /// Checks every object, every freelist and every count; each finding is reported and put right.
  ///
  /// - Context: task, no lock held.
  func validateChecked(_ caller: VCPU) {
    var i = 0
    while i < nodeCount &* Int(NL_CACHES) {
      let cache = cache(i)
      let node = cache.node
      node.lock.acquire(caller)
      var next = node.head
      while let slab = next {
        next = slab.next
        validate(caller, slab, cache)
      }
      next = unsafe node.pointer.pointee.full.map { unsafe Slab($0) }
      while let slab = next {
        next = slab.next
        validate(caller, slab, cache)
      }
      node.lock.release(caller, Ordinary.self)
      i &+= 1
    }
  }

  private func validate(_ caller: VCPU, _ slab: Slab, _ cache: Cache) {
    let objects = Slab.objects(slab.counters)
    var free = 0
    var damaged = false
    var i = 0
    while i < objects {
      let object = object(i, of: slab, cache)
      if object.isIn(NL_OBJECT_FREE) {
        free &+= 1
        if !checkLink(caller, object, slab, site: 0, Ordinary.self) { damaged = true }
        _ = check(caller, object, free: true, site: 0, Ordinary.self)
      } else if object.isIn(NL_OBJECT_ALLOCATED) {
        _ = checkLink(caller, object, slab, site: 0, Ordinary.self)
        _ = check(caller, object, free: false, site: 0, Ordinary.self)
      }
      i &+= 1
    }
    if !damaged,
      chain(slab, cache, atMost: objects) != free || objects &- free != Slab.inUse(slab.counters)
    {
      let place = unsafe address(ofPage: page(of: slab))
      report(caller, unsafe Finding("Wrong object count", at: place, site: 0), Ordinary.self)
      damaged = true
    }
    if damaged { rebuildFreelist(slab, cache) }
    let used = unsafe address(ofPage: page(of: slab)) + objects &* cache.stride
    let rest = 4096 &<< slab.order &- objects &* cache.stride
    if unsafe Int(nl_find_other(used, CheckedObject.poisonUnused, rest)) != rest {
      report(caller, unsafe Finding("Padding overwritten", at: used, site: 0), Ordinary.self)
      unsafe nl_fill(used, CheckedObject.poisonUnused, rest)
    }
  }

  /// Length of a slab's freelist, whose links are sound; `limit` + 1 if it is longer.
  private func chain(_ slab: Slab, _ cache: Cache, atMost limit: Int) -> Int {
    var n = 0
    var next = unsafe slab.freelist
    while let address = unsafe next, n <= limit {
      n &+= 1
      unsafe next = CheckedObject(address, cache).link
    }
    return n
  }

  /// Objects that callers still hold, one finding for each bucket that has any: the kernel's
  /// "Objects remaining in …" at the destruction of a cache.
  ///
  /// - Context: task.
  func reportLeaks(_ caller: VCPU) {
    var i = 0
    while i < nodeCount &* Int(NL_CACHES) {
      let node = cache(i).node
      node.lock.acquire(caller)
      var found: CheckedObject?
      var list = node.head
      while found == nil, let slab = list {
        found = held(slab, cache(i))
        list = slab.next
      }
      list = unsafe node.pointer.pointee.full.map { unsafe Slab($0) }
      while found == nil, let slab = list {
        found = held(slab, cache(i))
        list = slab.next
      }
      node.lock.release(caller, Ordinary.self)
      if let found { report(caller, Finding("Objects remaining", found, site: 0), Ordinary.self) }
      i &+= 1
    }
  }

  private func held(_ slab: Slab, _ cache: Cache) -> CheckedObject? {
    var i = 0
    while i < Slab.objects(slab.counters) {
      let object = object(i, of: slab, cache)
      if object.isIn(NL_OBJECT_ALLOCATED) { return object }
      i &+= 1
    }
    return nil
  }
}
