import CPlatform

/// A slot of a sheaf: where an object pointer stands.
typealias Slot = UnsafeMutablePointer<UnsafeMutableRawPointer?>

/// A cache's line in a vCPU: the local trylock and what it guards, the main and the spare sheaf.
///
/// The lock is a plain byte.  A handler runs to its end before the interrupted code goes on, so it
/// either sees the byte set, or takes and returns it in between; the window between the test and
/// the store is harmless.  A remote flusher asks by `request` and by poisoned bounds, see
/// SheafRemoteFlush.swift.
///
/// In the RT form the lock is a `TaskLock` in the same place, and whoever flushes just takes it.
@safe
struct PerCPULine<P: Preemption> {
  let pointer: UnsafeMutablePointer<nl_line>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_line>) { unsafe self.pointer = pointer }

  @inline(__always)
  private var taskLock: TaskLock { unsafe TaskLock(nl_line_at_owner(pointer)) }

  @inline(__always)
  var isLocked: Bool {
    unsafe P.isRT ? nl_load_u32(nl_line_at_owner(pointer)) != 0 : nl_line_lock(pointer) != 0
  }

  /// Takes the lock after `isLocked` was false; false iff another task was faster (RT).  The fence
  /// keeps what follows behind the store.
  @inline(__always)
  func lock() -> Bool {
    if P.isRT {
      guard taskLock.tryAcquire() else { return false }
    } else {
      unsafe nl_line_set_lock(pointer, 1)
      nl_signal_fence()
    }
    unsafe Lockdep.acquire(pointer, nl_get_class_line(pointer), isTry: true)
    return true
  }

  /// Returns the lock.  Release: pairs with the remote flusher's acquire load of it.
  @inline(__always)
  func unlock() {
    unsafe Lockdep.release(pointer)
    if P.isRT { return taskLock.release() }
    nl_signal_fence()
    unsafe nl_line_unlock(pointer)
  }

  @inline(__always)
  func tryLock() -> Bool {
    if isLocked { return false }
    FlusherPhase.beforeLock()
    return lock()
  }

  /// Takes the lock where the design has nothing else to turn to.  RT: waits while another task has
  /// it, but a nolock call only where its caller declared a preemptible task; false also if it is
  /// this task's own already.
  @inline(__always)
  func acquire<M: CallMode>(_ mode: M.Type) -> Bool {
    if tryLock() { return true }
    if !P.isRT || taskLock.isMine || !(M.waits || Context.allowsBlocking) { return false }
    unsafe Lockdep.acquire(pointer, nl_get_class_line(pointer))
    taskLock.acquire()
    return true
  }

  /// Makes the lock of a block that nobody uses yet free.
  @inline(__always)
  func openLock() {
    unsafe P.isRT ? nl_store_u32(nl_line_at_owner(pointer), 0) : nl_line_unlock(pointer)
  }

  /// Takes the lock again after work without it; false if it is held, or a flusher asks for it.
  @inline(__always)
  func relock() -> Bool {
    guard tryLock() else { return false }
    if !isRequested { return true }
    unlock()
    return false
  }

  @inline(__always)
  var top: Slot {
    get { unsafe nl_line_top(pointer) }
    nonmutating set { unsafe nl_line_set_top(pointer, newValue) }
  }

  /// Guarded by the lock.
  @inline(__always)
  var main: Sheaf {
    get { unsafe Sheaf(pointer.pointee.main) }
    nonmutating set { unsafe pointer.pointee.main = newValue.pointer }  // FreeCount.swift
  }

  /// Guarded by the lock.  Nil, empty or full; of a prefilled sheaf, or a thread's first, also partly.
  @inline(__always)
  var spare: Sheaf? {
    get { unsafe pointer.pointee.spare.map { unsafe Sheaf($0) } }
    nonmutating set { unsafe pointer.pointee.spare = newValue?.pointer }
  }

  /// Bytes of the cache's objects.
  @inline(__always)
  var objectSize: Int { unsafe Int(pointer.pointee.object_size) }

  /// Acquire: pairs with the flusher's release at its end, so its changes of the line are seen.
  @inline(__always)
  var isRequested: Bool { unsafe !P.isRT && nl_line_request_acquire(pointer) != 0 }

  /// Not in the RT form, where the byte belongs to the lock.
  @inline(__always)
  var isPending: Bool {
    get { unsafe nl_line_pending(pointer) != 0 }
    nonmutating set { unsafe nl_line_set_pending(pointer, newValue ? 1 : 0) }
  }

  /// True if the ordinary call that holds the lock has to drain once it holds none.
  @inline(__always)
  func takePending(_ vcpu: PerCPU<P>) -> Bool {
    if P.isRT { return vcpu.deferred.hasWork }
    if !isPending { return false }
    isPending = false
    return true
  }

  /// Objects in main, at most its capacity.
  @inline(__always)
  var count: Int { unsafe top - main.objects }

  /// Sends every call into the slow path until the bounds are restored.
  @inline(__always)
  func poisonBounds() {
    unsafe nl_line_set_empty(pointer, ~0)
    unsafe nl_line_set_full(pointer, 0)
  }

  /// Opens the fast path for `main` again, lock held.
  ///
  /// A request or a handler's pending work may have come between the test and the two stores: the
  /// stores undid its poison, hence the second look.
  @inline(__always)
  func restoreBounds() {
    let first = unsafe main.objects
    unsafe FlusherPhase.beforeBounds(pointer)
    unsafe nl_line_set_empty(pointer, UInt(bitPattern: first))
    unsafe nl_line_set_full(pointer, UInt(bitPattern: first + main.capacity))
    if P.isRT { return }
    nl_signal_fence()
    #if !NOLOCK_BROKEN_NO_RECHECK
      if unsafe nl_line_request(pointer) | nl_line_pending(pointer) != 0 { poisonBounds() }
    #endif
  }

  /// Makes `sheaf` main, lock held.
  @inline(never)
  func install(main sheaf: Sheaf) {
    set(main: sheaf, count: sheaf.size)
    restoreBounds()
  }

  /// Takes the topmost object of a main that is not empty, lock held.
  @inline(__always)
  func pop() -> UnsafeMutableRawPointer? {
    let slot = unsafe top - 1
    let object = unsafe slot.pointee
    unsafe nl_count(&pointer.pointee.alloc_fast)
    nl_signal_fence()
    unsafe top = slot
    return unsafe object
  }

  /// Puts an object on a main that is not full, lock held.
  @inline(__always)
  func push(_ object: UnsafeMutableRawPointer) {
    let slot = unsafe top
    unsafe slot.pointee = object
    unsafe top = slot + 1
  }
}
