import CPlatform

/// Freed objects that could not go anywhere in a handler, linked through their free-pointer slots.
///
/// Producers: `*_nolock` calls only.  Consumers: ordinary calls on their slow path, holding no lock
/// of the allocator, and the worker; one at a time.
@safe
struct DeferredList {
  let pointer: UnsafeMutablePointer<nl_deferred>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_deferred>) { unsafe self.pointer = pointer }

  /// True if there may be something to drain.
  @inline(__always)
  var hasWork: Bool {
    unsafe nl_load_pointer(nl_deferred_at_head(pointer)) != nil
      || nl_load_pointer(nl_deferred_at_stalled(pointer)) != nil
  }

  private static var byAnother: UInt8 { 1 }
  private static var byOwner: UInt8 { 2 }

  /// Makes the caller the one that drains; false if somebody is at it.
  ///
  /// - Ordering: acquire; pairs with the release of `draining` at the end of a drain.
  @inline(__always)
  func beginDrain(isOwn: Bool) -> Bool {
    unsafe nl_cas_u8(
      nl_deferred_at_draining(pointer), 0, isOwn ? Self.byOwner : Self.byAnother)
  }

  /// Ends a drain that the list's own thread, which is over, left by siglongjmp.
  @inline(__always)
  func forgetOwner() {
    _ = unsafe nl_cas_u8(nl_deferred_at_draining(pointer), Self.byOwner, 0)
  }

  /// In a fork's child: ends the drain of a thread that vanished and gives up what it had detached,
  /// because which of it was freed nobody knows.  A drain of the forking thread's own list goes on.
  func endLostDrain(isMine: Bool) {
    let mark = unsafe nl_load_u8(nl_deferred_at_draining(pointer))
    if mark == 0 || (isMine && mark == Self.byOwner) { return }
    unsafe note(nil)
    unsafe nl_release_u8(nl_deferred_at_draining(pointer))
  }

  /// Where a drain goes on that is left.
  @inline(__always)
  func note(_ rest: UnsafeMutableRawPointer?) {
    unsafe nl_store_pointer(nl_deferred_at_stalled(pointer), rest)
  }
}

extension Configuration {
  /// Puts an object on the list of `caller`, or on the instance's for a thread without a vCPU.
  ///
  /// - Context: any.  Progress: wait-free.
  /// - Ordering: release; pairs with the drain's acquire.
  @inline(__always)
  static func deferFree(_ caller: VCPU, _ object: UnsafeMutableRawPointer, of cache: Cache) {
    let instance = instance
    let list = caller.isShared ? instance.deferred : caller.deferred
    unsafe Form.willDefer(object, of: cache)
    _ = unsafe WaitFreeStack.push(
      nl_deferred_at_head(list.pointer), object, link: cache.link(of: object))
    instance.count(caller, .freeDeferred)
    // Relaxed: the worker's exchange may see it a period later, no more.
    unsafe nl_instance_set_dirty(instance.pointer, 1)
    if caller.isShared { return }
    // The next ordinary call for this cache on this thread drains.
    Form.wake(caller.line(ofCache: cache.index))
  }
}

extension Configuration {
  /// Returns up to `limit` deferred objects to their slabs; true if more are left.
  ///
  /// - Context: task, no lock held.
  @inline(never)
  static func drain(_ caller: VCPU, _ list: DeferredList, limit: Int) -> Bool {
    let isOwn = unsafe !Preempt.isRT && list.pointer == caller.deferred.pointer
    guard list.beginDrain(isOwn: isOwn) else { return true }
    let instance = instance
    var node = unsafe list.pointer.pointee.stalled
    // Only the list's own thread can leave its drain and have it found again (`reclaim`).
    if !isOwn { unsafe list.note(nil) }
    probePoint(NL_PROBE_DRAIN)
    var drained = 0
    // The head is taken once, after the rest of an earlier take: whoever waits for what was deferred
    // before its call waits for both, and a handler that keeps deferring keeps nobody here.
    var tookHead = false
    while drained < limit {
      guard let object = unsafe node else {
        if tookHead { break }
        tookHead = true
        #if NOLOCK_BROKEN_LATE_DETACH
          unsafe node = nl_load_pointer(nl_deferred_at_head(list.pointer))
        #else
          unsafe node = WaitFreeStack.takeAll(nl_deferred_at_head(list.pointer))
        #endif
        if isOwn { unsafe list.note(node) }
        continue
      }
      let cache = unsafe instance.cache(of: instance.slab(of: object))
      // Acquire: pairs with the producer's release of the link.
      let next = unsafe nl_load_pointer(cache.link(of: object))
      // The push behind this object is under way: its link is not known yet.
      if unsafe next == WaitFreeStack.pending { break }
      // Noted first: a drain that is left by siglongjmp goes on behind this object.
      if isOwn { unsafe list.note(next) }
      unsafe Form.freeDrained(caller, object)
      unsafe node = next
      drained &+= 1
    }
    #if NOLOCK_BROKEN_LATE_DETACH
      if tookHead { _ = unsafe WaitFreeStack.takeAll(nl_deferred_at_head(list.pointer)) }
    #endif
    // Release: pairs with the acquire in `hasWork`, which looks without being the drainer.
    unsafe list.note(node)
    // Before the release: who waits for this drain finds it counted.
    instance.count(caller, .deferredDrained, by: drained)
    unsafe nl_release_u8(nl_deferred_at_draining(list.pointer))
    return list.hasWork
  }

  /// Drains what a handler of this thread left behind, as an ordinary call must after its unlock.
  @inline(__always)
  static func drainOwn(_ caller: VCPU) {
    // The rest is the worker's.
    if drain(caller, caller.deferred, limit: 64) {
      unsafe nl_instance_set_dirty(instance.pointer, 1)
    }
  }
}
