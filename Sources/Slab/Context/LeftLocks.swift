import CPlatform

/// Why the holder of a central lock will never release it.
enum LockLoss {
  /// In a fork's child: all threads but the one that was `tid` and is `child` now.
  case fork(tid: UInt32, child: UInt32)
  /// The thread itself left the call that held it by `siglongjmp`.
  case jump(tid: UInt32)
}

// Locks that are left behind.  What they guard may be half-edited: its forward chain is sound at
// every instruction (Node.swift, Barn.swift), the rest is made again from it; free pages are given
// up.  What the lost call had in its hands is lost, too.

extension Configuration {
  /// What every ordinary slow call does with a thread whose earlier call took a central lock and did
  /// not return it.  So does a thread's end; until then others wait for that lock.
  ///
  /// A handler's frame lies below the one it interrupted and the 1 KiB and more that the kernel puts
  /// between, or on a stack of its own: then the call is under way still, and this one should not
  /// have been made there.
  ///
  /// - Parameter stack: the stack pointer of the slow call.
  /// - Context: task.
  @inline(never)
  static func releaseLeft(_ vcpu: VCPU, at stack: UInt) {
    #if NOLOCK_BROKEN_LEFT_LOCKS
      return
    #endif
    let frame = unsafe vcpu.pointer.pointee.central_frame
    guard stack &+ 1024 >= frame, !nl_is_on_signal_stack() else { return }
    releaseLost(.jump(tid: vcpu.tid), countFor: vcpu)
    vcpu.forgetCentral()
  }

  /// Makes sound what lost holders left, and releases their locks.
  static func releaseLost(_ loss: LockLoss, countFor vcpu: VCPU) {
    let instance = instance
    var i = 0
    while i < instance.nodeCount &* Int(NL_CACHES) {
      let cache = instance.cache(i)
      let node = cache.node
      if unsafe isLost(node.lock.word, loss) {
        node.repair()
        unsafe release(node.lock.word, loss, countFor: vcpu)
      }
      let barn = cache.barn
      if unsafe isLost(barn.lock.word, loss) {
        barn.repair()
        unsafe release(barn.lock.word, loss, countFor: vcpu)
      }
      i &+= 1
    }
    i = 0
    while i < instance.nodeCount {
      let zone = instance.zone(i)
      if unsafe isLost(zone.lock.word, loss) {
        instance.giveUpPages(of: zone)
        unsafe release(zone.lock.word, loss, countFor: vcpu)
      }
      i &+= 1
    }
  }

  private static func isLost(_ word: UnsafeMutablePointer<UInt32>, _ loss: LockLoss) -> Bool {
    let flags = NL_LOCK_WAITERS | CentralLock.nolockHolder
    let holder = unsafe nl_load_u32(word) & ~flags
    switch loss {
    case .jump(let tid): return holder == tid
    case .fork(let tid, let child):
      if holder == tid {
        unsafe nl_store_u32(word, child | nl_load_u32(word) & CentralLock.nolockHolder)
      }
      return holder != 0 && holder != tid
    }
  }

  private static func release(
    _ word: UnsafeMutablePointer<UInt32>, _ loss: LockLoss, countFor vcpu: VCPU
  ) {
    // Release: pairs with the acquire of whoever takes it next.
    if unsafe nl_swap_u32(word, 0) & NL_LOCK_WAITERS != 0 { _ = unsafe nl_futex_wake(word, .max) }
    if case .jump = loss {
      instance.count(vcpu, .lostByJump)
    } else {
      instance.count(vcpu, .lostAtFork)
    }
  }
}

extension PerCPU {
  /// Notes that a call is about to take a central lock.  Handlers in between leave it as it was.
  @inline(__always)
  func beginCentral() {
    if P.isRT || isShared { return }
    unsafe nl_count_u32(&pointer.pointee.central)
    if unsafe pointer.pointee.central == 1 {
      unsafe pointer.pointee.central_frame = nl_stack_pointer()
    }
    nl_signal_fence()
  }

  /// Notes that it has returned the lock, or did not get it.
  @inline(__always)
  func endCentral() {
    if P.isRT || isShared { return }
    nl_signal_fence()
    unsafe nl_uncount_u32(&pointer.pointee.central)
    // 0: what a handler's call may still find is no frame.
    if unsafe pointer.pointee.central == 0 { unsafe pointer.pointee.central_frame = 0 }
  }

  /// True if a call of this thread holds a central lock, or was left while it did.
  @inline(__always)
  var holdsCentral: Bool { unsafe pointer.pointee.central != 0 }

  @inline(__always)
  func forgetCentral() {
    unsafe pointer.pointee.central = 0
    unsafe pointer.pointee.central_frame = 0
  }
}

extension Node {
  /// Makes the list sound again from its forward chain, lock held.  A slab whose last object was just
  /// taken leaves it: the next free of one of its objects puts it back.
  func repair() {
    var last: Slab?
    var n: UInt32 = 0
    var slab = head
    head = nil
    while let current = slab {
      slab = current.next
      current.isOnPartial = unsafe current.freelist != nil
      if unsafe current.freelist == nil { continue }
      current.previous = last
      if let last { last.next = current } else { head = current }
      last = current
      n &+= 1
    }
    last?.next = nil
    tail = last
    unsafe nl_store_u32(&pointer.pointee.partial_count, n)
    // Of debug caches: full slabs are only listed for the checks.
    unsafe pointer.pointee.full = nil
  }
}

extension Barn {
  /// Counts the lists anew, lock held.
  func repair() {
    unsafe nl_store_u32(&pointer.pointee.full_count, Self.length(pointer.pointee.full))
    unsafe nl_store_u32(&pointer.pointee.empty_count, Self.length(pointer.pointee.empty))
  }

  private static func length(_ first: UnsafeMutablePointer<nl_sheaf>?) -> UInt32 {
    var n: UInt32 = 0
    var sheaf = unsafe first.map { unsafe Sheaf($0) }
    while let current = sheaf {
      n &+= 1
      sheaf = current.next
    }
    return n
  }
}

extension Instance {
  /// Gives up all free blocks of a zone, lock held: no block that is freed later may join them.
  func giveUpPages(of zone: Zone) {
    var order = 0
    while order <= Int(NL_MAX_ORDER) {
      unsafe nl_zone_at_free(zone.pointer, order).pointee = nil
      order &+= 1
    }
    unsafe nl_zone_at_stalled(zone.pointer).pointee = nil
    var page = unsafe Int(zone.pointer.pointee.first_page)
    let grown = unsafe Int(zone.pointer.pointee.grown)
    while page < grown {
      giveUp(descriptor(page))
      page &+= 1
    }
    page = unsafe zone.endPage &- Int(nl_load(nl_zone_at_carved_from_top(zone.pointer)))
    if page < zone.growthEnd { page = zone.growthEnd }
    while page < zone.endPage {
      giveUp(descriptor(page))
      page &+= 1
    }
  }

  private func giveUp(_ page: Slab) {
    if page.state == NL_PAGE_FREE { page.state = NL_PAGE_UNUSED }
  }
}
