import CPlatform

// In the child of a fork only the forking thread lives.  What any other thread was editing is
// abandoned and counted; what the forking thread holds stays held, because fork may be called in a
// handler, and the interrupted call goes on.

extension Configuration {
  /// Makes the instance usable in the child.
  ///
  /// - Context: the fork handler, or the first ordinary slow call after a raw clone.
  @inline(never)
  static func recoverInChild() {
    let instance = instance
    let me = vcpu
    let child = nl_gettid()
    let mine = Preempt.isRT ? nl_task_forked_from() : me.holder
    unsafe instance.pointer.pointee.fork_marker.unsafelyUnwrapped.pointee = 1
    unsafe instance.pointer.pointee.generation &+= 1
    unsafe instance.pointer.pointee.membarrier = nl_membarrier_register() == 0 ? 1 : 0
    let worker = unsafe nl_instance_at_worker_state(instance.pointer)
    _ = unsafe nl_cas_u32(worker, NL_WORKER_RUNS.rawValue, NL_WORKER_NONE.rawValue)
    unsafe nl_store_u32(nl_instance_at_worker_tid(instance.pointer), 0)

    let loss = LockLoss.fork(mine: mine, child: Preempt.isRT ? child : mine)
    releaseLost(loss, countFor: me)
    instance.deferred.endLostDrain(isMine: false)
    if Preempt.isRT { return recoverShared(me, loss) }
    orphanOthers(me)
    if !me.isShared { unsafe me.pointer.pointee.tid = child }
  }

  private static func orphanOthers(_ me: VCPU) {
    let instance = instance
    var i = 0
    while i < instance.vcpuCount {
      let vcpu = instance.vcpu(i)
      releaseDrains(vcpu, isMine: vcpu == me)
      if vcpu != me, vcpu.state == NL_VCPU_ATTACHED.rawValue {
        vcpu.state = NL_VCPU_ORPHAN.rawValue  // the worker, once restarted, reclaims it
      }
      // A flusher that vanished may have left a request; the bounds restore themselves.
      var line = 0
      while line < Int(NL_CACHES) {
        unsafe nl_line_release_request(vcpu.line(ofCache: line).pointer)
        line &+= 1
      }
      unsafe nl_line_release_request(vcpu.stockLine.pointer)
      i &+= 1
    }
    unsafe nl_instance_set_dirty(instance.pointer, 1)
  }

  /// Frees the locks of flushes and drains: whoever was at it vanished.
  static func releaseDrains(_ vcpu: VCPU, isMine: Bool) {
    unsafe nl_release_u8(nl_vcpu_at_flush_lock(vcpu.pointer))
    vcpu.deferred.endLostDrain(isMine: isMine)
    vcpu.deferredSlabs.endLostDrain(isMine: isMine)
  }
}
