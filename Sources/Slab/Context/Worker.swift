import CPlatform

/// The one helper thread of an instance: it drains what handlers deferred, reclaims the blocks of
/// dead threads, and flushes the sheaves of silent ones.
///
/// Handlers never wake it (that would be a system call): it looks every 10 ms, and every 100 ms
/// after a second without work.
extension Configuration {
  /// Nanoseconds.
  static var workerPeriod: UInt64 { 10_000_000 }
  static var idlePeriod: UInt64 { 100_000_000 }

  /// Starts the worker unless it runs or is forbidden.
  ///
  /// - Context: task.
  @inline(never)
  static func startWorker() {
    let state = unsafe nl_instance_at_worker_state(instance.pointer)
    guard unsafe nl_cas_u32(state, NL_WORKER_NONE.rawValue, NL_WORKER_RUNS.rawValue) else { return }
    unsafe nl_store_u32(nl_instance_at_worker_tid(instance.pointer), 1)
    if nl_start_thread(hooks.worker) != 0 {
      unsafe nl_store_u32(nl_instance_at_worker_tid(instance.pointer), 0)
      unsafe nl_store_u32(state, NL_WORKER_NONE.rawValue)
    }
  }

  /// The worker's life; returns when it is forbidden.
  static func runWorker() {
    let instance = instance
    let me = enterNolock()
    if !Preempt.isRT, !me.isShared {
      unsafe nl_vcpu_set_hooked(me.pointer, 3)  // no exit hook: it detaches itself
    }
    unsafe nl_store_u32(nl_instance_at_worker_tid(instance.pointer), nl_gettid())
    let bell = unsafe nl_instance_at_worker_bell(instance.pointer)
    let state = unsafe nl_instance_at_worker_state(instance.pointer)
    var idle = 0
    var round = 0
    while unsafe nl_load_u32(state) == NL_WORKER_RUNS.rawValue {
      let heard = unsafe nl_load_u32(bell)
      let worked = workerRound(me, round)
      idle = worked ? 0 : idle &+ 1
      round &+= 1
      unsafe nl_store(&instance.pointer.pointee.worker_cpu_ns, nl_thread_cpu_ns())
      unsafe nl_count(&instance.pointer.pointee.worker_wakeups)
      let rounds = unsafe nl_instance_at_worker_rounds(instance.pointer)
      _ = unsafe nl_add_u32(rounds, 1)
      _ = unsafe nl_futex_wake(rounds, .max)
      _ = unsafe nl_futex_wait(bell, heard, idle < 100 ? workerPeriod : idlePeriod)
    }
    detach(me, leaving: .boot)
    unsafe nl_store_u32(nl_instance_at_worker_tid(instance.pointer), 0)
    let rounds = unsafe nl_instance_at_worker_rounds(instance.pointer)
    _ = unsafe nl_add_u32(rounds, 1)
    _ = unsafe nl_futex_wake(rounds, .max)
  }

  /// One look at everything; true if there was something to do.
  private static func workerRound(_ me: VCPU, _ round: Int) -> Bool {
    let instance = instance
    let flushAll = unsafe nl_swap_u32(nl_instance_at_flush_wanted(instance.pointer), 0) != 0
    var worked = flushAll
    if unsafe nl_swap_u8(nl_instance_at_dirty(instance.pointer), 0) != 0 {
      worked = true
      drainAll(me)
    }
    var node = 0
    while node < instance.nodeCount {
      let zone = instance.zone(node)
      if unsafe nl_load_pointer(nl_zone_at_parked(zone.pointer)) != nil {
        zone.lock.acquire(me)
        instance.returnParked(zone)
        zone.lock.release(me, Ordinary.self)
      }
      node &+= 1
    }
    instance.fillReserve(me)
    if flushAll || round % 10 == 0 { lookAfterThreads(me, flushAll: flushAll) }
    return worked
  }

  /// Drains every list; what a push under way holds up stays for the next round.
  static func drainAll(_ caller: VCPU) {
    let instance = instance
    var again = instance.deferred.hasWork && drain(caller, instance.deferred, limit: .max)
    var i = 0
    while i < instance.vcpuCount {
      let vcpu = instance.vcpu(i)
      if vcpu.deferred.hasWork, drain(caller, vcpu.deferred, limit: .max) { again = true }
      if Form.drainSlabs(caller, of: vcpu) { again = true }
      i &+= 1
    }
    if again { unsafe nl_instance_set_dirty(instance.pointer, 1) }
  }

  /// Reclaims the blocks of the dead and flushes those of the silent.
  private static func lookAfterThreads(_ me: VCPU, flushAll: Bool) {
    let instance = instance
    if Preempt.isRT { return flushShared(me, flushAll: flushAll) }
    let pid = nl_getpid()
    var i = 0
    while i < instance.vcpuCount {
      let vcpu = instance.vcpu(i)
      i &+= 1
      let state = vcpu.state
      let orphan = state == NL_VCPU_ORPHAN.rawValue
      guard orphan || state == NL_VCPU_ATTACHED.rawValue, vcpu != me else { continue }
      // The exit hook, or nobody, holds it otherwise.
      guard unsafe nl_swap_u8(nl_vcpu_at_flush_lock(vcpu.pointer), 1) == 0 else { continue }
      if vcpu.state != state {
        unsafe nl_release_u8(nl_vcpu_at_flush_lock(vcpu.pointer))
      } else if orphan || isDead(vcpu, pid) {
        reclaim(me, vcpu)  // drops flush_lock
      } else {
        if flushAll || hasGoneSilent(vcpu) { flushRemotely(me, vcpu) }
        unsafe nl_release_u8(nl_vcpu_at_flush_lock(vcpu.pointer))
      }
    }
  }

  /// Returns what a thread caches, objects and quota; the caller holds the block's `flush_lock`.
  static func flushRemotely(_ me: VCPU, _ vcpu: VCPU) {
    _ = Form.flushRemotely(me, vcpu)
    instance.returnStockRemotely(vcpu)
  }

  /// vCPUs of the RT form never die.
  private static func flushShared(_ me: VCPU, flushAll: Bool) {
    var i = 0
    while i < instance.vcpuCount {
      let vcpu = instance.vcpu(i)
      if flushAll {
        flushCompletely(me, vcpu)
      } else if hasGoneSilent(vcpu) {
        _ = Form.flushRemotely(me, vcpu)
      }
      i &+= 1
    }
  }

  /// - Context: task.
  static func sleep(_ nanoseconds: UInt64) {
    var word: UInt32 = 0
    _ = unsafe nl_futex_wait(&word, 0, nanoseconds)
  }

  /// Flushes a vCPU's lines, the held ones as soon as they are free: a flush that only tries would
  /// silently do nothing (kernel-reference §4.5).
  private static func flushCompletely(_ me: VCPU, _ vcpu: VCPU) {
    var looks = 0
    while Form.flushRemotely(me, vcpu) != 0 {
      #if NOLOCK_BROKEN_RT_FLUSH
        return
      #else
        // Left by a siglongjmp, it is held for ever.
        if looks == 100 { return }
        sleep(1_000_000)
        looks &+= 1
      #endif
    }
  }

  /// True if a thread without an exit hook is gone.  A thread that got its tid and never allocates
  /// hides it until that one ends, too.
  private static func isDead(_ vcpu: VCPU, _ pid: UInt32) -> Bool {
    guard unsafe nl_vcpu_hooked(vcpu.pointer) != 1 else { return false }
    let tid = vcpu.tid
    if nl_probe_thread(pid, tid) == -3 { return true }  // ESRCH
    var i = 0
    while i < instance.vcpuCount {
      let other = instance.vcpu(i)
      i &+= 1
      guard other != vcpu, other.state == NL_VCPU_ATTACHED.rawValue, other.tid == tid else {
        continue
      }
      // One tid, two blocks: the one attached earlier belongs to the dead.
      if unsafe other.pointer.pointee.attached_at > vcpu.pointer.pointee.attached_at { return true }
    }
    return false
  }

  /// True once, a second after a thread's last operation.
  private static func hasGoneSilent(_ vcpu: VCPU) -> Bool {
    let activity = instance.activity(of: vcpu)
    if unsafe activity != vcpu.pointer.pointee.activity {
      unsafe vcpu.pointer.pointee.activity = activity
      unsafe vcpu.pointer.pointee.silent = 0
      return false
    }
    let silent = unsafe vcpu.pointer.pointee.silent
    if silent < 255 { unsafe vcpu.pointer.pointee.silent = silent &+ 1 }
    return silent == 10
  }
}
