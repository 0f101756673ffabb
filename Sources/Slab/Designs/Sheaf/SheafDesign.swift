import CNolock
import CPlatform

/// The design of Linux 7.0 and later: main and spare sheaf per vCPU, a barn per cache, no per-CPU
/// slab (kernel-reference §3).  This file is what a hit executes.
///
/// Nothing but the lock, `top` and one bound is tested.  Every rare case (foreign page, large
/// object, thread not attached, remote request, deferred work) shows itself as a held lock or a
/// poisoned bound.
enum SheafDesign<C: Configuration>: Design {
  /// True with an object out of main; false, with the lock as it was, where the slow path must
  /// look.
  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, _ object: inout UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool {
    #if !NOLOCK_BROKEN_NO_TRYLOCK
      if C.isGuarded, _slowPath(line.isLocked) { return false }
    #endif
    if C.isGuarded, !line.lock() { return false }
    let top = unsafe line.top
    if unsafe _slowPath(UInt(bitPattern: top) <= nl_line_empty(line.pointer)) {
      if C.isGuarded { line.unlock() }
      return false
    }
    unsafe object = top[-1]
    #if NOLOCK_BROKEN_EARLY_UNLOCK
      line.unlock()
    #endif
    if C.isGuarded {
      // First: frees are told from both, and never come out below their number (FreeCount.swift).
      unsafe nl_count(&line.pointer.pointee.alloc_fast)
      nl_signal_fence()
    }
    unsafe line.top = top - 1
    if C.isGuarded { line.unlock() }
    return true
  }

  /// True if the object went onto main; `top` tells how many did.
  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, freeing object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if C.isGuarded {
      if _slowPath(line.isLocked) || !line.lock() { return false }
    }
    let top = unsafe line.top
    if unsafe _slowPath(UInt(bitPattern: top) >= nl_line_full(line.pointer)) {
      if C.isGuarded { line.unlock() }
      return false
    }
    unsafe top.pointee = object
    unsafe line.top = top + 1
    if C.isGuarded { line.unlock() }
    return true
  }
}
