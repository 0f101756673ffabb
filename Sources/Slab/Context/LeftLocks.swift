import CPlatform

/// Why the holder of a central lock will never release it.
enum LockLoss {
  /// In a fork's child: of all holders but `mine`, who is `child` now.
  case fork(mine: UInt32, child: UInt32)
  /// The holder left the call that held it by `siglongjmp`.
  case jump(holder: UInt32)
}

// Locks that are left behind.  What they guard may be half-edited.  After a jump its forward chain is
// sound at every instruction (Node.swift, Barn.swift), and the rest is made again from it.  After a
// fork it need not be: the kernel copies page by page while other threads go on.  There the lists
// are given up, as free pages are in both.  What the lost call had in its hands is lost, too.

extension Configuration {
  /// What every ordinary slow call does with a thread whose earlier call took a central lock and did
  /// not return it.  A thread's end does it in any case (`reclaim`); until then others wait for that
  /// lock, and so does the thread itself if a call from deeper in its stack needs it.
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
    releaseLost(.jump(holder: vcpu.holder), countFor: vcpu)
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
        if case .jump = loss { node.repair() } else { instance.giveUpSlabs(of: cache) }
        unsafe release(node.lock.word, loss, countFor: vcpu)
      }
      let barn = cache.barn
      if unsafe isLost(barn.lock.word, loss) {
        if case .jump = loss { barn.repair() } else { barn.abandon() }
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

  /// Whether a lock is held by a lost holder.  After a fork what the forking thread holds becomes the
  /// child's.
  static func isLost(_ word: UnsafeMutablePointer<UInt32>, _ loss: LockLoss) -> Bool {
    let flags = NL_LOCK_WAITERS | CentralLock.nolockHolder
    let holder = unsafe nl_load_u32(word) & ~flags
    // RT: a thread that never called before has no tid here, and must not take what is free.
    if holder == 0 { return false }
    switch loss {
    case .jump(let left): return holder == left
    case .fork(let mine, let child):
      if holder == mine, child != mine {
        unsafe nl_store_u32(word, child | nl_load_u32(word) & CentralLock.nolockHolder)
      }
      return holder != mine
    }
  }

  static func release(
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
