/// What the slow paths count, per vCPU, always on (kernel-reference §3.11).  The two counters of
/// the fast path stand in the lines.
///
/// "Fast" means served by a sheaf, including a swap with the spare or the barn; "slow" means served
/// by a slab.
enum Counter: Int {
  case allocSlow, allocLarge
  case freeSlow, freeDeferred, freeLarge
  /// A line was found held: by this thread's own interrupted call, or after a siglongjmp.
  case lineBusy
  /// A remote flusher's request was met.
  case requestSeen
  case spareSwap, barnGet, barnGetFail, barnPut, barnPutFail
  case sheafAlloc, sheafFree, sheafRefill, sheafFlush
  case objectsRefilled, objectsFlushed
  case slabAlloc, slabFree, orderFallback, slabCASFail
  case partialAdd, partialRemove
  case deferredDrained
  /// kmalloc_nolock: went to the next larger bucket; returned NULL.
  case nextBucket, nolockNull
  /// kmalloc_nolock: served by a slab; counted in `allocSlow`, too.
  case nolockSlow
  /// A central lock that a nolock call found held.
  case listLockBusy, barnLockBusy, zoneLockBusy
  /// A slab that a nolock call made and could not publish.
  case slabReturned
  case limitHit, outOfPages
  /// Pages never touched before, handed to a nolock call: it may fault.
  case freshPages
  case badFree, largeLeaked
  case remoteFlush, remoteNotTaken
  case attach, attachFailed
  /// Lines and deferred chains given up: left held by siglongjmp, or half-edited at a fork.
  case lostLines
  /// Central locks whose holder did not survive a fork, or left its call by siglongjmp; what they
  /// guarded was made sound again.
  case lostAtFork, lostByJump
  /// An allocation that wanted another node than its thread's; a free of another node's object.
  case nodeMismatch, freeRemote
  /// Accounted allocations that the quota refused.
  case quotaFail
  /// Allocations out of prefilled sheaves; counted as fast ones, too.
  case allocPrefilled
  /// Prefilled sheaves: from the spare, from barn or slabs, beyond a sheaf's capacity; given back as
  /// the spare, to the barn or the slabs.
  case prefillFast, prefillSlow, prefillOversize, returnFast, returnSlow
  /// Per-CPU slabs: given up, and given up by a handler; partial slabs of a vCPU taken into use, fetched
  /// from the node, put there by a free, and returned to the node; frees to another's active slab.
  case deactivate, deactivateDeferred
  case cpuPartialAlloc, cpuPartialNode, cpuPartialFree, cpuPartialDrain, freeFrozen

  /// Findings of the checks; objects not freed, or not handed out, because they were found damaged.
  case slabErrors, objectsWithheld

  static var count: Int { Counter.objectsWithheld.rawValue &+ 1 }
}
