public import CNolock
import CPlatform

// The entry points, as C sees them.  `@_noLocks @_noAllocation` on the nolock ones is a lint only; the proof is the
// object code and every instruction boundary.

/// Before it ran, nolock calls return NULL; ordinary calls would do the same work.
@c(nolock_constructor)
public func nolockConstructor() {
  #if !NOLOCK_LIBRARY  // libnolock holds the default instance only (scripts/build-library)
    _ = Sheaves.start()
  #endif
  _ = Heap.start()
}

/// The symbol of a subject's shared object: `sheaves`, because the kernel's constants are what
/// revisions are compared with.
@c(nolock_subject)
public func nolockSubject(_ abi: UInt32) -> UnsafePointer<nolock_ops>? {
  guard abi == NOLOCK_ABI else { return nil }
  #if NOLOCK_SUBJECT_HEAP
    return unsafe heapSubject()
  #else
    return unsafe sheavesSubject()
  #endif
}

private var sheafCapabilities: UInt64 {
  UInt64(
    NOLOCK_CAP_ANY_CONTEXT.rawValue | NOLOCK_CAP_GFP_ACCOUNT.rawValue | NOLOCK_CAP_STATS.rawValue
      | NOLOCK_CAP_LIMIT.rawValue)
}

/// An entry point as the table wants it.  The entries return integers, because an optional pointer
/// costs the tail call of the slow path: Swift's is an integer that LLVM casts after the join.
private func allocator(
  _ entry: @convention(c) (UInt, UInt32, Int32) -> UInt
) -> @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer? {
  unsafe unsafeBitCast(
    entry, to: (@convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?).self)
}

private func text(_ string: StaticString) -> UnsafePointer<CChar> {
  unsafe UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
}

// MARK: The default instance, tuned for user programs.

@c(nolock_kmalloc)
func heapKmallocEntry(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheafDesign<Heap>.kmalloc(size, gfp, node))
}

@c(nolock_kfree)
public func heapKfree(_ object: UnsafeMutableRawPointer?) {
  unsafe SheafDesign<Heap>.kfree(object)
}

@c(nolock_kmalloc_nolock) @_noLocks @_noAllocation
func heapKmallocNolockEntry(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheafDesign<Heap>.kmallocNolock(size, gfp, node))
}

@c(nolock_kfree_nolock) @_noLocks @_noAllocation
public func heapKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe SheafDesign<Heap>.kfreeNolock(object)
}

@c(nolock_ksize)
public func heapKsize(_ object: UnsafeRawPointer?) -> Int {
  unsafe SheafDesign<Heap>.ksize(object)
}

@c(nolock_barrier)
public func heapBarrier() { SheafDesign<Heap>.barrier() }

@c(nolock_thread_attach)
public func heapThreadAttach() -> Int32 { SheafDesign<Heap>.threadAttach() }

@c(nolock_thread_detach)
public func heapThreadDetach() { SheafDesign<Heap>.threadDetach() }

@c(nolock_stats)
public func heapStats(_ out: UnsafeMutablePointer<nolock_stat>?, _ capacity: Int) -> Int {
  unsafe Heap.instance.statistics(out, capacity)
}

@c(nolock_control)
public func heapControl(_ key: UnsafePointer<CChar>?, _ value: UInt64) -> Int32 {
  unsafe SheafDesign<Heap>.control(key, value)
}

/// The ops table of this instance; nil iff it could not be started.
public func heapSubject() -> UnsafePointer<nolock_ops>? {
  guard Heap.start() else { return nil }
  let ops = unsafe nl_get_ops_heap().assumingMemoryBound(to: nolock_ops.self)
  unsafe ops.pointee = nolock_ops(
    abi: NOLOCK_ABI, size: UInt32(MemoryLayout<nolock_ops>.size), capabilities: sheafCapabilities,
    name: text("heap"), version: text("1"),
    kmalloc: allocator(heapKmallocEntry), kfree: heapKfree,
    kmalloc_nolock: allocator(heapKmallocNolockEntry), kfree_nolock: heapKfreeNolock,
    kfree_rcu: nil, kfree_rcu_nolock: nil,
    barrier: heapBarrier, thread_attach: heapThreadAttach, thread_detach: heapThreadDetach,
    stats: heapStats, ksize: heapKsize, control: heapControl)
  return unsafe UnsafePointer(ops)
}

// MARK: The instance with the kernel's constants.

@c(nl_sheaves_kmalloc)
func sheavesKmallocEntry(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheafDesign<Sheaves>.kmalloc(size, gfp, node))
}

@c(nl_sheaves_kfree)
public func sheavesKfree(_ object: UnsafeMutableRawPointer?) {
  unsafe SheafDesign<Sheaves>.kfree(object)
}

@c(nl_sheaves_kmalloc_nolock) @_noLocks @_noAllocation
func sheavesKmallocNolockEntry(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheafDesign<Sheaves>.kmallocNolock(size, gfp, node))
}

@c(nl_sheaves_kfree_nolock) @_noLocks @_noAllocation
public func sheavesKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe SheafDesign<Sheaves>.kfreeNolock(object)
}

@c(nl_sheaves_ksize)
public func sheavesKsize(_ object: UnsafeRawPointer?) -> Int {
  unsafe SheafDesign<Sheaves>.ksize(object)
}

@c(nl_sheaves_barrier)
public func sheavesBarrier() { SheafDesign<Sheaves>.barrier() }

@c(nl_sheaves_thread_attach)
public func sheavesThreadAttach() -> Int32 { SheafDesign<Sheaves>.threadAttach() }

@c(nl_sheaves_thread_detach)
public func sheavesThreadDetach() { SheafDesign<Sheaves>.threadDetach() }

@c(nl_sheaves_stats)
public func sheavesStats(_ out: UnsafeMutablePointer<nolock_stat>?, _ capacity: Int) -> Int {
  unsafe Sheaves.instance.statistics(out, capacity)
}

@c(nl_sheaves_control)
public func sheavesControl(_ key: UnsafePointer<CChar>?, _ value: UInt64) -> Int32 {
  unsafe SheafDesign<Sheaves>.control(key, value)
}

/// The ops table of this instance; nil iff it could not be started.
public func sheavesSubject() -> UnsafePointer<nolock_ops>? {
  guard Sheaves.start() else { return nil }
  let ops = unsafe nl_get_ops_sheaves().assumingMemoryBound(to: nolock_ops.self)
  unsafe ops.pointee = nolock_ops(
    abi: NOLOCK_ABI, size: UInt32(MemoryLayout<nolock_ops>.size), capabilities: sheafCapabilities,
    name: text("sheaves"), version: text("1"),
    kmalloc: allocator(sheavesKmallocEntry), kfree: sheavesKfree,
    kmalloc_nolock: allocator(sheavesKmallocNolockEntry), kfree_nolock: sheavesKfreeNolock,
    kfree_rcu: nil, kfree_rcu_nolock: nil,
    barrier: sheavesBarrier, thread_attach: sheavesThreadAttach, thread_detach: sheavesThreadDetach,
    stats: sheavesStats, ksize: sheavesKsize, control: sheavesControl)
  return unsafe UnsafePointer(ops)
}
