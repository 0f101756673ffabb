import CPlatform

/// A lock that several threads share: of a barn, a partial list, the zone.
///
/// Word: 0 free; else the holder's block (`PerCPU.holder`), with `NL_LOCK_WAITERS` while an ordinary caller sleeps and
/// `nolockHolder` while the holder may not make the system call that would wake it.  A waiter
/// behind such a holder sleeps with a time limit instead.  In the RT form it is a `TaskLock`.
@safe
struct CentralLock {
  let word: UnsafeMutablePointer<UInt32>
  private let kind: Lockdep.Class

  static var nolockHolder: UInt32 { 0x4000_0000 }
  /// Who holds a lock without having a vCPU.
  static var unknownHolder: UInt32 { 0x3fff_ffff }

  /// A look from outside: somebody has it.
  @inline(__always)
  var isHeld: Bool { unsafe nl_load_u32(word) != 0 }

  @inline(__always)
  init(_ lock: UnsafeMutablePointer<nl_lock>, _ kind: Lockdep.Class) {
    unsafe self.kind = kind
    unsafe word = UnsafeMutableRawPointer(lock).assumingMemoryBound(to: UInt32.self)
  }

  /// Takes the lock, or says at once that somebody has it.
  ///
  /// - Context: any.  Progress: wait-free.
  /// - Ordering: acquire; pairs with the release in `release` and `releaseNolock`.
  @inline(__always)
  func tryAcquire<P: Preemption>(_ caller: PerCPU<P>) -> Bool {
    caller.beginCentral()
    #if NOLOCK_BROKEN_UP_TRYLOCK
      unsafe nl_store_u32(word, caller.holder | Self.nolockHolder)
      return true
    #endif
    guard
      P.isRT
        ? unsafe TaskLock(word).tryAcquire()
        : unsafe nl_load_u32(word) == 0 && nl_cas_u32(word, 0, caller.holder | Self.nolockHolder)
    else {
      caller.endCentral()
      return false
    }
    unsafe Lockdep.acquire(word, kind, isTry: true)
    return true
  }

  /// Takes the lock; spins shortly, then sleeps, because the holder may be descheduled.
  ///
  /// - Context: task.
  @inline(__always)
  func acquire<P: Preemption>(_ caller: PerCPU<P>) {
    unsafe Lockdep.acquire(word, kind)
    if P.isRT { return unsafe TaskLock(word).acquire() }
    caller.beginCentral()
    if unsafe nl_cas_u32(word, 0, caller.holder) { return }
    acquireContended(caller.holder)
  }

  /// Waits or only tries, as the mode says; true with the lock held.
  @inline(__always)
  func acquire<P: Preemption, M: CallMode>(_ caller: PerCPU<P>, _ mode: M.Type) -> Bool {
    if M.waits {
      acquire(caller)
      return true
    }
    return tryAcquire(caller)
  }

  @inline(__always)
  func release<P: Preemption, M: CallMode>(_ caller: PerCPU<P>, _ mode: M.Type) {
    unsafe Lockdep.release(word)
    if P.isRT { return unsafe TaskLock(word).release() }
    let old = unsafe nl_swap_u32(word, 0)
    caller.endCentral()
    if M.waits, old & NL_LOCK_WAITERS != 0 { _ = unsafe nl_futex_wake(word, 1) }
  }

  @inline(never)
  private func acquireContended(_ holder: UInt32) {
    var spins = 0
    while spins < 100 {
      nl_pause()
      if unsafe nl_load_u32(word) == 0, unsafe nl_cas_u32(word, 0, holder) { return }
      spins &+= 1
    }
    while true {
      let seen = unsafe nl_load_u32(word)
      // Whoever slept takes the lock with the waiters bit: it cannot know that it was the last.
      if seen == 0 {
        if unsafe nl_cas_u32(word, 0, holder | NL_LOCK_WAITERS) { return }
        continue
      }
      let marked = seen | NL_LOCK_WAITERS
      if seen != marked, unsafe !nl_cas_u32(word, seen, marked) { continue }
      _ = unsafe nl_futex_wait(word, marked, marked & Self.nolockHolder != 0 ? 50_000 : 0)
    }
  }
}
