import CNolock
import CPlatform

/// The checked instance.  One stands for all designs: see DebugDesign.
enum SheavesDebug: Configuration {
  typealias Form = DebugDesign<SheavesDebug>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_sheaves_debug()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_sheaves_debug()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_sheaves_debug(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { SheavesDebug.runWorker() }, exit: { unsafe SheavesDebug.threadExit($0) },
      child: { SheavesDebug.recoverInChild() })
  }
  static var constants: Constants {
    var constants = Constants()
    constants.hasChecks = true
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_sheaves_debug(), "sheaves+debug",
      Entries(
        kmalloc: sheavesDebugKmalloc, kfree: sheavesDebugKfree,
        kmallocNolock: sheavesDebugKmallocNolock,
        kfreeNolock: sheavesDebugKfreeNolock, ksize: sheavesDebugKsize,
        barrier: { SheavesDebug.barrier() }, attach: { SheavesDebug.threadAttach() },
        detach: { SheavesDebug.threadDetach() },
        stats: { unsafe SheavesDebug.instance.statistics($0, $1) },
        control: { unsafe SheavesDebug.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe SheavesDebug.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe SheavesDebug.Form.kfreeBulk($0, $1) },
          prefill: { unsafe SheavesDebug.prefill($0, $1, $2) },
          allocFromSheaf: sheavesDebugAllocFromSheaf,
          sheafSize: { unsafe SheavesDebug.size(of: $0) },
          refillSheaf: { unsafe SheavesDebug.refill($0, $1) },
          returnSheaf: { unsafe SheavesDebug.giveBack($0) },
          shrink: { SheavesDebug.shrink() }, flush: { SheavesDebug.flush() }),
        report: { unsafe SheavesDebug.instance.lastReport($0, $1) }))
  }
}

@c(nl_sheaves_debug_kmalloc)
func sheavesDebugKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheavesDebug.Form.kmalloc(size, gfp, node, site: nl_return_address()))
}

@c(nl_sheaves_debug_kfree)
func sheavesDebugKfree(_ object: UnsafeMutableRawPointer?) {
  unsafe SheavesDebug.Form.kfree(object, site: nl_return_address())
}

@c(nl_sheaves_debug_kmalloc_nolock) @_noLocks @_noAllocation
func sheavesDebugKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(
    bitPattern: SheavesDebug.Form.kmallocNolock(size, gfp, node, site: nl_return_address()))
}

@c(nl_sheaves_debug_kfree_nolock) @_noLocks @_noAllocation
func sheavesDebugKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe SheavesDebug.Form.kfreeNolock(object, site: nl_return_address())
}

@c(nl_sheaves_debug_alloc_from_sheaf) @_noLocks @_noAllocation
func sheavesDebugAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer?
{
  unsafe SheavesDebug.allocate(from: sheaf, gfp)
}

@c(nl_sheaves_debug_ksize)
func sheavesDebugKsize(_ object: UnsafeRawPointer?) -> Int { unsafe SheavesDebug.ksize(object) }
