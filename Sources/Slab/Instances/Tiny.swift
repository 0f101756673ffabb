import CNolock
import CPlatform

/// SLUB_TINY: small, nothing per CPU.
enum Tiny: Configuration {
  typealias Form = TinyDesign<Tiny>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_tiny()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_tiny()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_tiny(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { Tiny.runWorker() }, exit: { unsafe Tiny.threadExit($0) },
      child: { Tiny.recoverInChild() })
  }

  static var constants: Constants {
    var constants = Constants()
    constants.highestOrder = 1
    constants.keepsEmptySlabs = false
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_tiny(), "tiny",
      Entries(
        kmalloc: tinyKmalloc, kfree: tinyKfree, kmallocNolock: tinyKmallocNolock,
        kfreeNolock: tinyKfreeNolock, ksize: tinyKsize,
        barrier: { Tiny.barrier() }, attach: { Tiny.threadAttach() },
        detach: { Tiny.threadDetach() },
        stats: { unsafe Tiny.instance.statistics($0, $1) },
        control: { unsafe Tiny.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe Tiny.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe Tiny.Form.kfreeBulk($0, $1) },
          prefill: { unsafe Tiny.prefill($0, $1, $2) },
          allocFromSheaf: tinyAllocFromSheaf,
          sheafSize: { unsafe Tiny.size(of: $0) },
          refillSheaf: { unsafe Tiny.refill($0, $1) },
          returnSheaf: { unsafe Tiny.giveBack($0) },
          shrink: { Tiny.shrink() }, flush: { Tiny.flush() })))
  }
}

@c(nl_tiny_kmalloc)
func tinyKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Tiny.Form.kmalloc(size, gfp, node))
}

@c(nl_tiny_kfree)
func tinyKfree(_ object: UnsafeMutableRawPointer?) { unsafe Tiny.Form.kfree(object) }

@c(nl_tiny_kmalloc_nolock) @_noLocks @_noAllocation
func tinyKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Tiny.Form.kmallocNolock(size, gfp, node))
}

@c(nl_tiny_kfree_nolock) @_noLocks @_noAllocation
func tinyKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe Tiny.Form.kfreeNolock(object)
}

@c(nl_tiny_alloc_from_sheaf) @_noLocks @_noAllocation
func tinyAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe Tiny.allocate(from: sheaf, gfp)
}

@c(nl_tiny_ksize)
func tinyKsize(_ object: UnsafeRawPointer?) -> Int { unsafe Tiny.ksize(object) }
