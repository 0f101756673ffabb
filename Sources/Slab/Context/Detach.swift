import CPlatform

extension Instance {
  /// Waits for the worker to leave a block alone.
  ///
  /// - Context: task.
  func lockForFlush(_ vcpu: VCPU) {
    while unsafe nl_swap_u8(nl_vcpu_at_flush_lock(vcpu.pointer), 1) != 0 { nl_yield() }
  }
}

extension Configuration {
  /// Empties a block that no thread uses any more, and puts it on the free list.
  ///
  /// A line whose lock is held was left by siglongjmp, or by a thread that did not survive a fork:
  /// its sheaves may be half-edited and are abandoned, counted.
  /// - Context: task.  The caller holds the block's `flush_lock`.
  static func reclaim(_ caller: VCPU, _ vcpu: VCPU) {
    let instance = instance
    vcpu.state = NL_VCPU_FREE.rawValue
    #if !NOLOCK_BROKEN_LEFT_LOCKS
      if vcpu.holdsCentral {
        releaseLost(.jump(holder: vcpu.holder), countFor: caller)
        vcpu.forgetCentral()
      }
      vcpu.deferred.forgetOwner()
      vcpu.deferredSlabs.forgetOwner()
    #endif
    var i = 0
    while i < Int(NL_CACHES) {
      let line = vcpu.line(ofCache: i)
      if line.tryLock() {
        Form.empty(caller, line, of: instance.cache(i, node: vcpu.node))
      } else {
        instance.count(caller, .lostLines)
      }
      i &+= 1
    }
    _ = drain(caller, vcpu.deferred, limit: .max)
    _ = Form.drainSlabs(caller, of: vcpu)
    // Only a push that never ended (its thread vanished in a fork) can be left.
    giveUpRest(caller, vcpu.deferred)
    giveUpRest(caller, vcpu.deferredSlabs)
    instance.returnOwnPages(caller, of: vcpu)
    instance.returnStock(of: vcpu)
    unsafe nl_release_u8(nl_vcpu_at_flush_lock(vcpu.pointer))
    instance.returnVCPU(vcpu)
  }

  private static func giveUpRest(_ caller: VCPU, _ list: DeferredList) {
    guard list.hasWork else { return }
    unsafe nl_store_pointer(nl_deferred_at_stalled(list.pointer), nil)
    instance.count(caller, .lostLines)
  }

  /// The exit hook: signals may still arrive, so the slot leads to `gone` before anything else.
  ///
  /// - Context: task, the ending thread itself.
  static func threadExit(_ vcpu: UnsafeMutableRawPointer?) {
    guard let vcpu = unsafe vcpu else { return }
    // A thread may have moved to another vCPU since it armed the hook.
    if Preempt.isRT { return detach(Self.vcpu, leaving: .gone) }
    detach(unsafe VCPU(vcpu.assumingMemoryBound(to: nl_vcpu.self)), leaving: .gone)
  }

  /// Gives the calling thread's block back; `boot` lets it attach again.
  ///
  /// - Context: task.
  static func detach(_ vcpu: VCPU, leaving next: VCPU) {
    guard !vcpu.isShared, replace(vcpu, with: next) else { return }
    if Preempt.isRT { return leaveShared(vcpu) }
    instance.lockForFlush(vcpu)
    reclaim(vcpu, vcpu)
  }

  /// What every ordinary slow call does first; nil iff the instance cannot be started.
  ///
  /// - Context: task.
  @inline(__always)
  static func enterOrdinary() -> VCPU? {
    let instance = instance
    if !instance.isStarted, !start() { return nil }
    if unsafe nl_load_u32(instance.pointer.pointee.fork_marker.unsafelyUnwrapped) == 0 {
      recoverInChild()
    }
    let vcpu = enterNolock()
    if vcpu.holdsCentral { releaseLeft(vcpu, at: nl_stack_pointer()) }
    // In the child of a fork the thread is hooked already, but the worker is gone.
    let worker = unsafe nl_load_u32(nl_instance_at_worker_state(instance.pointer))
    if worker == NL_WORKER_NONE.rawValue || (!vcpu.isShared && !isHooked(vcpu)) {
      firstOrdinaryCall(vcpu)
    }
    return vcpu
  }

  /// Arms the exit hook and starts the worker: both allocate, so never from a handler.
  @inline(never)
  private static func firstOrdinaryCall(_ vcpu: VCPU) {
    if !vcpu.isShared, !isHooked(vcpu) {
      let error = unsafe nl_arm_exit_hook(instance.pointer.pointee.exit_key, vcpu.pointer)
      // Without a hook the worker finds the thread's end.
      if !Preempt.isRT { unsafe nl_vcpu_set_hooked(vcpu.pointer, error == 0 ? 1 : 2) }
    }
    startWorker()
  }

  @inline(__always)
  private static func isHooked(_ vcpu: VCPU) -> Bool {
    unsafe Preempt.isRT
      ? nl_exit_hook_armed(instance.pointer.pointee.exit_key) != 0
      : nl_vcpu_hooked(vcpu.pointer) != 0
  }
}
