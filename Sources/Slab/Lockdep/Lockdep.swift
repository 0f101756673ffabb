import CPlatform

/// The kernel's lockdep as far as wait types go (kernel-reference §5), in builds with
/// -D NOLOCK_LOCKDEP; nothing in any other build.
///
/// A lock may be taken if its outer wait type is at most the smallest inner one among the locks
/// held in the same interrupt context and the context's own: mutex, then spinlock, then raw lock,
/// never the other way round.  A trylock is exempt, so nolock calls never offend, but what they
/// hold counts.
enum Lockdep {
  typealias Class = UnsafePointer<nl_lock_class>

  /// Enum nolock_wait_type: what a context allows.
  private static var contextWait: UInt8 {
    let kind = nl_task_context() & 7
    return kind == 2 ? 3 : kind >= 3 ? 2 : 5
  }

  /// Which held locks belong together: an interrupt starts anew.
  private static var irqContext: UInt32 {
    let kind = nl_task_context() & 7
    return kind < 2 ? 0 : kind
  }

  /// Before a lock is taken by waiting, or after it was taken by trying.
  ///
  /// - Context: any.  Progress: wait-free, but for a report's text.
  @inline(__always)
  static func acquire(
    _ lock: UnsafeRawPointer, _ kind: @autoclosure () -> Class, isTry: Bool = false
  ) {
    #if NOLOCK_LOCKDEP
      unsafe enter(lock, kind(), isTry: isTry)
    #endif
  }

  /// Before a lock is given back.
  @inline(__always)
  static func release(_ lock: UnsafeRawPointer) {
    #if NOLOCK_LOCKDEP
      unsafe leave(lock)
    #endif
  }

  /// The kernel's might_lock(): an ordinary call may need list_lock, though this one be a hit.
  @inline(__always)
  static func mightLock() {
    #if NOLOCK_LOCKDEP
      unsafe check(nl_get_class_list_lock(), nl_get_class_list_lock())
    #endif
  }

  @inline(never)
  private static func check(_ lock: UnsafeRawPointer, _ kind: Class) {
    nl_lockdep_pin(1)
    unsafe examine(nl_lockdep_record(false), lock, kind, nl_return_address())
    unpin()
  }

  @inline(never)
  static func enter(_ lock: UnsafeRawPointer, _ kind: Class, isTry: Bool) {
    let ip = nl_return_address()
    nl_lockdep_pin(1)
    let record = unsafe nl_lockdep_record(true)
    if !isTry { unsafe examine(record, lock, kind, ip) }
    if let record = unsafe record, unsafe record.pointee.depth < UInt32(NL_HELD_LOCKS) {
      // A handler between the two steps finds an entry without a class, and passes over it.
      let i = unsafe record.pointee.depth
      unsafe nl_store_u32(&record.pointee.depth, i &+ 1)
      let held = unsafe nl_lockdep_held(record, Int(i))
      unsafe held.pointee.lock = lock
      unsafe held.pointee.ip = ip
      unsafe held.pointee.irq_context = irqContext
      unsafe held.pointee.trylock = isTry ? 1 : 0
      unsafe nl_held_set_class(held, kind)
    }
    unpin()
  }

  @inline(never)
  static func leave(_ lock: UnsafeRawPointer) {
    nl_lockdep_pin(1)
    if let record = unsafe nl_lockdep_record(false) {
      let depth = unsafe record.pointee.depth
      var i = depth
      while i > 0 {
        i &-= 1
        let held = unsafe nl_lockdep_held(record, Int(i))
        guard unsafe held.pointee.lock == lock, let kind = unsafe nl_held_class(held),
          unsafe kind != nl_get_class_released()
        else { continue }
        unsafe nl_held_set_class(held, nl_get_class_released())
        break
      }
      unsafe dropReleased(record)
    }
    unpin()
  }

  /// Shortens the record by what was released at its end.
  @inline(__always)
  private static func dropReleased(_ record: UnsafeMutablePointer<nl_lockdep_thread>) {
    while true {
      let depth = unsafe record.pointee.depth
      guard depth > 0 else { return }
      let held = unsafe nl_lockdep_held(record, Int(depth) &- 1)
      guard unsafe nl_held_class(held) == nl_get_class_released() else { return }
      unsafe nl_store_u32(&record.pointee.depth, depth &- 1)
      unsafe nl_held_set_class(held, nil)
    }
  }

  /// Gives a record without locks back, unless an interrupted call is at it.
  @inline(__always)
  private static func unpin() {
    if nl_lockdep_pins() == 1, let record = unsafe nl_lockdep_record(false),
      unsafe record.pointee.depth == 0
    {
      unsafe nl_lockdep_drop(record)
    }
    nl_lockdep_pin(-1)
  }

  /// check_wait_context() and check_deadlock() of kernel/locking/lockdep.c.
  @inline(__always)
  private static func examine(
    _ record: UnsafeMutablePointer<nl_lockdep_thread>?, _ lock: UnsafeRawPointer, _ kind: Class,
    _ ip: UInt
  ) {
    let depth = unsafe record.map { unsafe Int($0.pointee.depth) } ?? 0
    let irq = irqContext
    var inner = contextWait
    var same: UnsafeMutablePointer<nl_held_lock>?
    var first = depth
    while first > 0, let record = unsafe record,
      unsafe nl_lockdep_held(record, first &- 1).pointee.irq_context == irq
    {
      first &-= 1
    }
    var i = 0
    while i < depth, let record = unsafe record {
      let held = unsafe nl_lockdep_held(record, i)
      if let theirs = unsafe nl_held_class(held), unsafe theirs != nl_get_class_released() {
        if unsafe theirs == kind { unsafe same = held }
        let wait = unsafe theirs.pointee.inner
        if i >= first, wait != 0 {
          // An override map stands for what its section is on PREEMPT_RT.
          inner = unsafe theirs.pointee.kind == 1 ? wait : min(inner, wait)
        }
      }
      i &+= 1
    }
    let outer = unsafe kind.pointee.outer != 0 ? kind.pointee.outer : kind.pointee.inner
    let next = unsafe Report.Lock(lock: lock, kind: kind, ip: ip)
    if unsafe kind.pointee.inner != 0, outer > inner {
      unsafe Report.invalidWaitContext(next, contextWait, record, depth)
    }
    if let same = unsafe same {
      let held = unsafe Report.Lock(
        lock: same.pointee.lock, kind: nl_held_class(same), ip: same.pointee.ip)
      unsafe Report.recursiveLocking(next, held, record, depth)
    }
  }
}
