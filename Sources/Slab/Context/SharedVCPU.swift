import CPlatform

// The RT form of a thread's life: vCPUs are there from the start, as CPUs are, and threads come and
// go on them.  Whoever wants what a vCPU holds takes its locks.

extension Configuration {
  /// Makes `count` vCPUs, among which threads that attach from now on are dealt out in turn; false
  /// if there are not so many.
  ///
  /// - Context: task; one thread at a time.
  static func shareVCPUs(_ count: UInt64) -> Bool {
    let instance = instance
    guard count >= 1, unsafe count <= UInt64(instance.pointer.pointee.vcpu_limit) else {
      return false
    }
    while instance.vcpuCount < Int(count) {
      guard let vcpu = instance.takeVCPU() else { return false }
      openLines(vcpu)
      vcpu.state = NL_VCPU_ATTACHED.rawValue
    }
    // Release: pairs with the acquire in `attachShared`, which then sees the vCPUs open.
    unsafe nl_store_u32(nl_instance_at_shared_vcpus(instance.pointer), UInt32(count))
    return true
  }

  /// The calling thread's vCPU: the next in turn.
  ///
  /// Returns `boot` iff the instance is not started.
  /// - Context: any.  A handler that comes in between and attaches first wins.
  @inline(never)
  static func attachShared() -> VCPU {
    let instance = instance
    if nl_task_tid() == 0 { nl_task_set_tid(nl_gettid()) }
    let count = unsafe nl_load_u32(nl_instance_at_shared_vcpus(instance.pointer))
    if count == 0 {
      instance.count(.boot, .attachFailed)
      return .boot
    }
    let turn = unsafe nl_add(nl_instance_at_attaches(instance.pointer), 1)
    let next = instance.vcpu(Int(turn % UInt64(count)))
    _ = unsafe nl_add_u32(nl_vcpu_at_users(next.pointer), 1)
    guard replace(.boot, with: next) else {
      _ = unsafe nl_add_u32(nl_vcpu_at_users(next.pointer), 0 &- 1)
      return vcpu
    }
    instance.count(next, .attach)
    return next
  }

  /// The last thread that leaves a vCPU returns what it holds.
  ///
  /// - Context: task, the leaving thread itself.
  static func leaveShared(_ vcpu: VCPU) {
    // Acquire and release: the last one sees what the others left.
    if unsafe nl_add_u32(nl_vcpu_at_users(vcpu.pointer), 0 &- 1) != 1 { return }
    _ = emptyLines(vcpu, vcpu)
    _ = drain(vcpu, vcpu.deferred, limit: .max)
    _ = Form.drainSlabs(vcpu, of: vcpu)
    let pages = unsafe TaskLock(nl_vcpu_at_page_owner(vcpu.pointer))
    if pages.tryAcquire() {
      instance.returnOwnPages(vcpu, of: vcpu)
      pages.release()
    }
  }

  /// Empties the lines of a vCPU that nobody is using just now; returns how many somebody was.
  ///
  /// - Context: task.
  static func emptyLines(_ caller: VCPU, _ vcpu: VCPU) -> Int {
    let instance = instance
    var held = 0
    var i = 0
    while i < Int(NL_CACHES) {
      let line = vcpu.line(ofCache: i)
      if line.tryLock() {
        Form.empty(caller, line, of: instance.cache(i))
        Form.open(line, of: instance.cache(i))
        line.unlock()
        instance.count(caller, .remoteFlush)
      } else {
        instance.count(caller, .remoteNotTaken)
        held &+= 1
      }
      i &+= 1
    }
    return held
  }

  /// In the child of a fork: what other threads held is abandoned; what the forking one holds it
  /// holds under its new tid.
  static func recoverShared(_ me: VCPU, _ loss: LockLoss) {
    let instance = instance
    var i = 0
    while i < instance.vcpuCount {
      let vcpu = instance.vcpu(i)
      releaseDrains(vcpu, isMine: false)
      unsafe nl_store_u32(nl_vcpu_at_users(vcpu.pointer), vcpu == me ? 1 : 0)
      let pages = unsafe nl_vcpu_at_page_owner(vcpu.pointer)
      if unsafe isLost(pages, loss) {
        var order = 0
        while order <= Int(NL_MAX_SLAB_ORDER) {
          unsafe nl_vcpu_at_page_list(vcpu.pointer, order).pointee = nil
          unsafe nl_vcpu_at_page_count(vcpu.pointer, order).pointee = 0
          order &+= 1
        }
        unsafe release(pages, loss, countFor: me)
      }
      var cache = 0
      while cache < Int(NL_CACHES) {
        let line = vcpu.line(ofCache: cache)
        if unsafe isLost(nl_line_at_owner(line.pointer), loss) {
          Form.open(line, of: instance.cache(cache))
          instance.count(me, .lostLines)
          unsafe release(nl_line_at_owner(line.pointer), loss, countFor: me)
        }
        cache &+= 1
      }
      i &+= 1
    }
    unsafe nl_instance_set_dirty(instance.pointer, 1)
  }
}
