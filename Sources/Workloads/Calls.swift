import CNolock
import Subjects

typealias Allocate = @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?
typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
typealias UsableSize = @convention(c) (UnsafeRawPointer?) -> Int

/// The subject's functions, read once from its table.
@safe struct Calls {
  /// What the foreground calls.
  let allocate: Allocate
  let free: Free
  /// What handlers call; present wherever a handler allocates.
  let allocateNolock: Allocate?
  let freeNolock: Free?
  let usableSize: UsableSize?
  /// The bits of `gfp` that the subject knows.
  let gfpMask: UInt32

  /// `nolockCalls`: the foreground itself uses the `*_nolock` calls.
  init(_ subject: Subject, nolockCalls: Bool) {
    let ops = unsafe subject.ops.pointee
    unsafe allocate = nolockCalls ? ops.kmalloc_nolock : ops.kmalloc
    unsafe free = nolockCalls ? ops.kfree_nolock : ops.kfree
    unsafe allocateNolock = ops.kmalloc_nolock
    unsafe freeNolock = ops.kfree_nolock
    unsafe usableSize = ops.ksize
    gfpMask =
      UInt32(NOLOCK_GFP_ZERO.rawValue)
      | (subject.can(NOLOCK_CAP_GFP_ACCOUNT) ? UInt32(NOLOCK_GFP_ACCOUNT.rawValue) : 0)
  }
}
