import CPlatform

// Giving memory back on request (kernel-reference §3.11).

extension Instance {
  /// Classes of partial slabs by free objects; slabs with more stay where they are.
  private static var promoted: Int { 32 }

  /// Empties the barns, returns empty slabs, and sorts partial ones, fullest first.  Returns the
  /// slabs that are left on partial lists.
  ///
  /// - Context: task, no lock held.
  func shrink(_ caller: VCPU) -> Int {
    var left = 0
    var i = 0
    while i < nodeCount &* Int(NL_CACHES) {
      emptyBarn(caller, cache(i))
      i &+= 1
    }
    // Afterwards: flushing one cache's sheaves frees their memory in another.
    i = 0
    while i < nodeCount &* Int(NL_CACHES) {
      left &+= shrinkNode(caller, cache(i))
      i &+= 1
    }
    return left
  }

  private func emptyBarn(_ caller: VCPU, _ cache: Cache) {
    let barn = cache.barn
    if barn.fullCount &+ barn.emptyCount == 0 { return }
    var all: Sheaf?
    barn.lock.acquire(caller)
    while let sheaf = barn.popFull() {
      sheaf.next = all
      all = sheaf
    }
    while let sheaf = barn.popEmpty() {
      sheaf.next = all
      all = sheaf
    }
    barn.lock.release(caller, Ordinary.self)
    while let sheaf = all {
      all = sheaf.next
      flush(caller, sheaf)
      freeSheaf(caller, sheaf)
    }
  }

  private func shrinkNode(_ caller: VCPU, _ cache: Cache) -> Int {
    let node = cache.node
    var empty: Slab?
    node.lock.acquire(caller)
    var next = node.head
    while let slab = next {
      next = slab.next
      // Nobody pops without list_lock, so it stays empty.
      if Slab.inUse(slab.counters) == 0 {
        remove(caller, node, slab)
        slab.next = empty
        empty = slab
      }
    }
    // Moved to the front class by class, the fullest last.
    var free = Self.promoted
    while free > 0 {
      next = node.head
      while let slab = next {
        next = slab.next
        let counters = slab.counters
        if Slab.objects(counters) &- Slab.inUse(counters) == free {
          node.remove(slab)
          node.prepend(slab)
        }
      }
      free &-= 1
    }
    let left = node.count
    node.lock.release(caller, Ordinary.self)
    while let slab = empty {
      empty = slab.next
      discard(caller, slab, Ordinary.self)
    }
    return left
  }

  /// A full sheaf out of the barn, else an empty one.
  ///
  /// - Context: task.
  func takeAny(_ caller: VCPU, _ cache: Cache) -> Sheaf? {
    let barn = cache.barn
    if barn.fullCount &+ barn.emptyCount == 0 { return nil }
    barn.lock.acquire(caller)
    let full = barn.popFull()
    let sheaf = full ?? barn.popEmpty()
    barn.lock.release(caller, Ordinary.self)
    if full != nil { count(caller, .barnGet) }
    return sheaf
  }
}
