import CPlatform

/// A lock of the PREEMPT_RT form: it has an owner, and whoever waits lends it its priority.
///
/// Word: 0 free, else the owner's tid, and FUTEX_WAITERS while somebody sleeps; the kernel knows
/// this format (futex(2), FUTEX_LOCK_PI).
@safe
struct TaskLock {
  let word: UnsafeMutablePointer<UInt32>

  @inline(__always)
  init(_ word: UnsafeMutablePointer<UInt32>) { unsafe self.word = word }

  private static var ownerMask: UInt32 { 0x3fff_ffff }

  /// Takes the lock, or says at once that somebody has it: another task, or this one.
  ///
  /// - Context: task and softirq.  Progress: wait-free.
  /// - Ordering: acquire; pairs with the release in `release`.
  @inline(__always)
  func tryAcquire() -> Bool {
    // First, so that no handler of this thread sees it own a lock and hold none.
    nl_task_set_held(nl_task_held() &+ 1)
    if unsafe nl_load_u32(word) == 0, unsafe nl_cas_u32(word, 0, nl_task_tid()) { return true }
    nl_task_set_held(nl_task_held() &- 1)
    return false
  }

  /// Takes the lock; sleeps while another task has it, which then runs with this one's priority.
  ///
  /// - Context: preemptible task.
  @inline(__always)
  func acquire() {
    if !tryAcquire() { acquireInherited() }
  }

  /// True if the calling task has the lock: taking it would wait for itself.
  @inline(__always)
  var isMine: Bool { unsafe nl_load_u32(word) & Self.ownerMask == nl_task_tid() }

  /// Gives the lock back, to the foremost waiter if there is one.
  ///
  /// - Context: task and softirq.  Progress: wait-free, with a system call if somebody waits.
  @inline(__always)
  func release() {
    if unsafe !nl_cas_u32(word, nl_task_tid(), 0) { wakeWaiter() }
    nl_task_set_held(nl_task_held() &- 1)
  }

  @inline(never)
  private func acquireInherited() {
    nl_task_set_held(nl_task_held() &+ 1)
    while true {
      #if NOLOCK_BROKEN_NO_PI
        let seen = unsafe nl_load_u32(word)
        if seen == 0 {
          if unsafe nl_cas_u32(word, 0, nl_task_tid()) { return }
        } else {
          _ = unsafe nl_futex_wait(word, seen, 1_000_000)
        }
      #else
        if unsafe nl_futex_lock_pi(word) == 0 { return }
        // The owner is this very task, or died with the lock held: wait as any lock would.
        _ = unsafe nl_futex_wait(word, nl_load_u32(word), 10_000_000)
      #endif
    }
  }

  @inline(never)
  private func wakeWaiter() {
    #if NOLOCK_BROKEN_NO_PI
      unsafe nl_store_u32(word, 0)
    #else
      _ = unsafe nl_futex_unlock_pi(word)
    #endif
  }
}
