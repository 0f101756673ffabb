import CNolock
import CPlatform

/// The sheaf design with the kernel's constants: what revisions are compared with.
enum Sheaves: Configuration {
  typealias Form = SheafDesign<Sheaves>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_sheaves()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_sheaves()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_sheaves(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { Sheaves.runWorker() }, exit: { unsafe Sheaves.threadExit($0) },
      child: { Sheaves.recoverInChild() })
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_sheaves(), "sheaves",
      Entries(
        kmalloc: sheavesKmalloc, kfree: sheavesKfree, kmallocNolock: sheavesKmallocNolock,
        kfreeNolock: sheavesKfreeNolock, ksize: sheavesKsize,
        barrier: { Sheaves.barrier() }, attach: { Sheaves.threadAttach() },
        detach: { Sheaves.threadDetach() },
        stats: { unsafe Sheaves.instance.statistics($0, $1) },
        control: { unsafe Sheaves.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe Sheaves.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe Sheaves.Form.kfreeBulk($0, $1) },
          prefill: { unsafe Sheaves.prefill($0, $1, $2) },
          allocFromSheaf: sheavesAllocFromSheaf,
          sheafSize: { unsafe Sheaves.size(of: $0) },
          refillSheaf: { unsafe Sheaves.refill($0, $1) },
          returnSheaf: { unsafe Sheaves.giveBack($0) },
          shrink: { Sheaves.shrink() }, flush: { Sheaves.flush() })))
  }
}

@c(nl_sheaves_kmalloc)
func sheavesKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Sheaves.Form.kmalloc(size, gfp, node))
}

@c(nl_sheaves_kfree)
func sheavesKfree(_ object: UnsafeMutableRawPointer?) { unsafe Sheaves.Form.kfree(object) }

@c(nl_sheaves_kmalloc_nolock) @_noLocks @_noAllocation
func sheavesKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Sheaves.Form.kmallocNolock(size, gfp, node))
}

@c(nl_sheaves_kfree_nolock) @_noLocks @_noAllocation
func sheavesKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe Sheaves.Form.kfreeNolock(object)
}

@c(nl_sheaves_alloc_from_sheaf) @_noLocks @_noAllocation
func sheavesAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe Sheaves.allocate(from: sheaf, gfp)
}

@c(nl_sheaves_ksize)
func sheavesKsize(_ object: UnsafeRawPointer?) -> Int { unsafe Sheaves.ksize(object) }
