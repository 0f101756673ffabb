import CNolock
import CPlatform

/// The sheaf design tuned for user programs, the default of the library: larger sheaves and barns,
/// so that a batch of a thousand objects stays out of the slabs, of a thousand small ones out of the
/// barn.
enum Heap: Configuration {
  typealias Form = SheafDesign<Heap>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_heap()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_heap()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_heap(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { Heap.runWorker() }, exit: { unsafe Heap.threadExit($0) },
      child: { Heap.recoverInChild() })
  }
  static var constants: Constants {
    var constants = Constants()
    constants.sheafBytes = {
      $0 >= 4096 ? 128 : $0 >= 1024 ? 256 : $0 >= 512 ? 512 : $0 >= 128 ? 1024 : 4096
    }
    // A thread that allocates once leaves behind what its sheaf was filled with.
    constants.firstFill = 60
    constants.barnLimit = 64
    constants.carvesFromTop = true
    constants.hugePages = true
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_heap(), "heap",
      Entries(
        kmalloc: heapKmalloc, kfree: heapKfree, kmallocNolock: heapKmallocNolock,
        kfreeNolock: heapKfreeNolock, ksize: heapKsize,
        barrier: heapBarrier, attach: heapThreadAttach,
        detach: heapThreadDetach,
        stats: heapStats,
        control: heapControl,
        sheaves: SheafEntries(
          kmallocBulk: heapKmallocBulk, kfreeBulk: heapKfreeBulk, prefill: heapPrefill,
          allocFromSheaf: heapAllocFromSheaf, sheafSize: heapSheafSize,
          refillSheaf: heapRefillSheaf, returnSheaf: heapReturnSheaf, shrink: heapShrink,
          flush: heapFlush)))
  }
}

@c(nolock_kmalloc)
func heapKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Heap.Form.kmalloc(size, gfp, node))
}

@c(nolock_kfree)
func heapKfree(_ object: UnsafeMutableRawPointer?) { unsafe Heap.Form.kfree(object) }

@c(nolock_kmalloc_nolock) @_noLocks @_noAllocation
func heapKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Heap.Form.kmallocNolock(size, gfp, node))
}

@c(nolock_kfree_nolock) @_noLocks @_noAllocation
func heapKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe Heap.Form.kfreeNolock(object)
}

@c(nolock_ksize)
func heapKsize(_ object: UnsafeRawPointer?) -> Int { unsafe Heap.ksize(object) }

@c(nolock_barrier)
func heapBarrier() { Heap.barrier() }

@c(nolock_thread_attach)
func heapThreadAttach() -> Int32 { Heap.threadAttach() }

@c(nolock_thread_detach)
func heapThreadDetach() { Heap.threadDetach() }

@c(nolock_stats)
func heapStats(_ out: UnsafeMutablePointer<nolock_stat>?, _ capacity: Int) -> Int {
  unsafe Heap.instance.statistics(out, capacity)
}

@c(nolock_control)
func heapControl(_ key: UnsafePointer<CChar>?, _ value: UInt64) -> Int32 {
  unsafe Heap.control(key, value)
}

@c(nolock_kmalloc_bulk)
func heapKmallocBulk(_ size: Int, _ gfp: UInt32, _ count: Int, _ objects: Slot?) -> Int {
  unsafe Heap.Form.kmallocBulk(UInt(bitPattern: size), gfp, count, objects)
}

@c(nolock_kfree_bulk)
func heapKfreeBulk(_ count: Int, _ objects: Slot?) { unsafe Heap.Form.kfreeBulk(count, objects) }

@c(nolock_prefill)
func heapPrefill(_ size: Int, _ gfp: UInt32, _ count: Int) -> OpaquePointer? {
  unsafe Heap.prefill(size, gfp, count)
}

@c(nolock_alloc_from_sheaf) @_noLocks @_noAllocation
func heapAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe Heap.allocate(from: sheaf, gfp)
}

@c(nolock_sheaf_size)
func heapSheafSize(_ sheaf: OpaquePointer?) -> Int { unsafe Heap.size(of: sheaf) }

@c(nolock_refill_sheaf)
func heapRefillSheaf(_ sheaf: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int) -> Int32 {
  unsafe Heap.refill(sheaf, count)
}

@c(nolock_return_sheaf)
func heapReturnSheaf(_ sheaf: OpaquePointer?) { unsafe Heap.giveBack(sheaf) }

@c(nolock_shrink)
func heapShrink() -> Int { Heap.shrink() }

@c(nolock_flush)
func heapFlush() { Heap.flush() }
