import CNolock
import CPlatform

// The ordinary entry points besides allocation and free.

extension Configuration {
  /// Bytes of the bucket that holds `object`; 0 if it is none.
  ///
  /// - Context: any: it only reads.
  static func ksize(_ object: UnsafeRawPointer?) -> Int {
    guard let object = unsafe object, instance.isStarted else { return 0 }
    if let cache = unsafe instance.cache(at: object) {
      return unsafe Form.usableSize(object, of: cache)
    }
    guard unsafe instance.isLarge(object), let page = unsafe instance.page(at: object) else {
      return 0
    }
    return 4096 &<< instance.descriptor(page).order
  }

  /// Gives the calling thread its block now, so that no later call attaches.  0, or -1.
  ///
  /// - Context: task.
  static func threadAttach() -> Int32 {
    guard let vcpu = enterOrdinary() else { return -1 }
    return vcpu.isShared ? -1 : 0
  }

  /// - Context: task.
  static func threadDetach() { detach(vcpu, leaving: .boot) }

  /// Returns when everything deferred before the call is free.
  ///
  /// - Context: task.
  static func barrier() {
    guard let vcpu = enterOrdinary() else { return }
    let instance = instance
    let rounds = unsafe nl_instance_at_worker_rounds(instance.pointer)
    let start = unsafe nl_load_u32(rounds)
    // Two rounds: the one under way may have passed our list already.
    while true {
      let now = unsafe nl_load_u32(rounds)
      if now &- start >= 2 { return awaitDrains(vcpu) }
      if unsafe nl_load_u32(nl_instance_at_worker_state(instance.pointer))
        != NL_WORKER_RUNS.rawValue
      {
        drainAll(vcpu)
        return awaitDrains(vcpu)
      }
      ringWorker()
      _ = unsafe nl_futex_wait(rounds, now, 1_000_000_000)
    }
  }

  /// Waits for the drains that others have under way: what they detached is on no list any more.
  /// (Two waiters at once were a bug of the kernel's irq_work_sync(), kernel-reference §4.5.)
  ///
  /// At most a tenth of a second, because a drain that a siglongjmp left never ends.
  /// - Context: task.
  private static func awaitDrains(_ caller: VCPU) {
    #if !NOLOCK_BROKEN_ONE_WAITER
      let instance = instance
      var waits = 0
      awaitDrain(caller, instance.deferred, &waits)
      var i = 0
      while i < instance.vcpuCount {
        awaitDrain(caller, instance.vcpu(i).deferred, &waits)
        i &+= 1
      }
    #endif
  }

  @inline(__always)
  private static func awaitDrain(_ caller: VCPU, _ list: DeferredList, _ waits: inout Int) {
    // Acquire: pairs with the drain's release, which published what it freed.
    while waits < 1000, unsafe nl_load_u8(nl_deferred_at_draining(list.pointer)) != 0 {
      sleep(100_000)
      waits &+= 1
      // An ordinary call leaves what is beyond its 64 objects.
      _ = drain(caller, list, limit: .max)
    }
  }

  /// Returns every thread's cached objects to their slabs, as far as nobody is using them.  In the
  /// RT form, where using them means holding a lock, it waits for the holder, up to a tenth of a
  /// second for each vCPU.
  ///
  /// - Context: task.
  static func flush() {
    unsafe nl_store_u32(nl_instance_at_flush_wanted(instance.pointer), 1)
    barrier()
  }

  static func ringWorker() {
    let bell = unsafe nl_instance_at_worker_bell(instance.pointer)
    _ = unsafe nl_add_u32(bell, 1)
    _ = unsafe nl_futex_wake(bell, 1)
  }

  /// "limit": bytes of pages at most, 0 = none; "worker": 1 starts, 0 stops the helper thread;
  /// "nodes": simulated NUMA nodes, 1...4, before the first allocation; "node": moves the calling
  /// thread to one; "quota": bytes of accounted objects at most, not 0, first set before the first
  /// allocation; "validate": checks all objects; "leaks": reports buckets with live
  /// objects; "abort_on_error", "report_to_stderr": 0 or 1;
  /// "flush": any value; "flush_here": remote flushes of every other thread by this one, so many
  /// times, worker stopped; "vcpus", RT form: among so many threads that attach later are dealt out.
  /// -1 for everything else.
  ///
  /// - Context: task.
  static func control(_ key: UnsafePointer<CChar>?, _ value: UInt64) -> Int32 {
    guard let key = unsafe key else { return -1 }
    let instance = instance
    if unsafe equal(key, "limit") {
      // Rounded up: a limit of one byte is one page, not "none".
      unsafe nl_store(
        nl_instance_at_page_limit(instance.pointer), value / 4096 + (value % 4096 == 0 ? 0 : 1))
      return 0
    }
    if unsafe equal(key, "validate") {
      guard let vcpu = enterOrdinary() else { return -1 }
      return Form.validate(vcpu) ? 0 : -1
    }
    if constants.hasChecks, unsafe equal(key, "leaks") {
      guard let vcpu = enterOrdinary() else { return -1 }
      barrier()
      instance.reportLeaks(vcpu)
      return 0
    }
    if constants.hasChecks, value <= 1 {
      if unsafe equal(key, "abort_on_error") {
        unsafe nl_store_u32(&instance.pointer.pointee.abort_on_error, UInt32(value))
        return 0
      }
      if unsafe equal(key, "report_to_stderr") {
        unsafe nl_store_u32(&instance.pointer.pointee.report_to_stderr, UInt32(value))
        return 0
      }
    }
    if unsafe equal(key, "nodes") { return useNodes(value) }
    if unsafe equal(key, "node") { return moveThread(to: value) }
    if unsafe equal(key, "quota") { return instance.setQuota(value) ? 0 : -1 }
    if unsafe equal(key, "flush") {
      flush()
      return 0
    }
    if Preempt.isRT, unsafe equal(key, "vcpus") { return shareVCPUs(value) ? 0 : -1 }
    if unsafe equal(key, "flush_here") {
      return flushHere(times: value)
    }
    #if NOLOCK_LOCKDEP
      if unsafe equal(key, "lockdep_hook") {
        nl_lockdep_set_hook(value)
        return 0
      }
      if unsafe equal(key, "lockdep_clear") {
        Report.clear()
        return 0
      }
    #endif
    #if NOLOCK_PROBES
      if unsafe equal(key, "probe_hook") {
        nl_probe_set(value)
        return 0
      }
    #endif
    guard unsafe equal(key, "worker"), value <= 1 else { return -1 }
    let state = unsafe nl_instance_at_worker_state(instance.pointer)
    if value == 0 {
      unsafe nl_store_u32(state, NL_WORKER_FORBIDDEN.rawValue)
      ringWorker()
      let rounds = unsafe nl_instance_at_worker_rounds(instance.pointer)
      while unsafe nl_load_u32(nl_instance_at_worker_tid(instance.pointer)) != 0 {
        _ = unsafe nl_futex_wait(rounds, nl_load_u32(rounds), 10_000_000)
      }
    } else {
      _ = unsafe nl_cas_u32(state, NL_WORKER_FORBIDDEN.rawValue, NL_WORKER_NONE.rawValue)
      startWorker()
    }
    return 0
  }

  /// The calling thread plays the worker's part as remote flusher; -1 while the worker runs,
  /// because there is one flusher at a time.
  private static func flushHere(times: UInt64) -> Int32 {
    let instance = instance
    guard let vcpu = enterOrdinary(),
      unsafe nl_load_u32(nl_instance_at_worker_tid(instance.pointer)) == 0
    else { return -1 }
    for _ in 0..<times {
      for i in 0..<instance.vcpuCount {
        let other = instance.vcpu(i)
        guard other != vcpu, other.state == NL_VCPU_ATTACHED.rawValue else { continue }
        instance.lockForFlush(other)
        if other.state == NL_VCPU_ATTACHED.rawValue { flushRemotely(vcpu, other) }
        unsafe nl_release_u8(nl_vcpu_at_flush_lock(other.pointer))
      }
    }
    return 0
  }

  private static func useNodes(_ value: UInt64) -> Int32 {
    guard !Preempt.isRT, instance.isStarted || start(), value <= UInt64(NL_NODES) else { return -1 }
    return instance.setNodes(Int(value)) ? 0 : -1
  }

  private static func equal(_ key: UnsafePointer<CChar>, _ name: StaticString) -> Bool {
    var i = 0
    while i <= name.utf8CodeUnitCount {
      let expected = i < name.utf8CodeUnitCount ? unsafe name.utf8Start[i] : 0
      if unsafe UInt8(bitPattern: key[i]) != expected { return false }
      i &+= 1
    }
    return true
  }
}
