import CNolock
import CPlatform
import Subjects

typealias Allocate = @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?
typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
typealias UsableSize = @convention(c) (UnsafeRawPointer?) -> Int

/// The subject's functions, read once from its table.
@safe struct Calls {
  /// What the foreground calls.
  let allocate: Allocate
  let free: Free
  /// For the objects that are there before anything is measured: a nolock call may get nothing while
  /// another thread is descheduled with a lock.
  let allocateBefore: Allocate
  /// What handlers call; present wherever a handler allocates.
  let allocateNolock: Allocate?
  let freeNolock: Free?
  let usableSize: UsableSize?
  /// nil without NOLOCK_CAP_KFREE_RCU.
  let freeRCU: Free?
  let freeRCUNolock: Free?
  @safe enum Around {
    case nothing
    /// Class hardirq: interrupts are held off.
    case softFlag
    /// A handler before every instruction.
    case stepper(nl_boundary_visitor)
  }

  /// The bits of `gfp` that the subject knows.
  let gfpMask: UInt32
  /// NOLOCK_GFP_ACCOUNT, or 0 where the subject does not know it.
  var accountFlag: UInt32 { gfpMask & UInt32(NOLOCK_GFP_ACCOUNT.rawValue) }

  /// `nolockCalls`: the foreground itself uses the `*_nolock` calls.
  /// `around`: what is put around each of the foreground's calls.
  init(_ subject: Subject, nolockCalls: Bool, around: Around = .nothing) {
    let ops = unsafe subject.ops.pointee
    let direct: Allocate = unsafe nolockCalls ? ops.kmalloc_nolock : ops.kmalloc
    let directFree: Free = unsafe nolockCalls ? ops.kfree_nolock : ops.kfree
    switch around {
    case .nothing:
      unsafe allocate = direct
      unsafe free = directFree
    case .softFlag:
      unsafe nl_wrapped_set(direct, directFree, nil)
      unsafe allocate = unsafe nl_masked_allocate
      unsafe free = unsafe nl_masked_release
    case .stepper(let visit):
      unsafe nl_wrapped_set(direct, directFree, visit)
      unsafe allocate = unsafe nl_stepped_allocate
      unsafe free = unsafe nl_stepped_release
    }
    unsafe allocateBefore = unsafe nolockCalls ? ops.kmalloc : allocate
    unsafe allocateNolock = ops.kmalloc_nolock
    unsafe freeNolock = ops.kfree_nolock
    unsafe usableSize = ops.ksize
    let rcu = subject.can(NOLOCK_CAP_KFREE_RCU)
    unsafe freeRCU = rcu ? ops.kfree_rcu : nil
    unsafe freeRCUNolock = rcu ? ops.kfree_rcu_nolock : nil
    gfpMask =
      UInt32(NOLOCK_GFP_ZERO.rawValue)
      | (subject.can(NOLOCK_CAP_GFP_ACCOUNT) ? UInt32(NOLOCK_GFP_ACCOUNT.rawValue) : 0)
  }
}
