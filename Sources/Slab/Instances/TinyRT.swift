import CNolock
import CPlatform

/// `tiny` as PREEMPT_RT has it.
enum TinyRT: Configuration {
  typealias Form = TinyDesign<TinyRT>
  typealias Preempt = PreemptRT
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_tiny_rt()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_tiny_rt()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_tiny_rt(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { TinyRT.runWorker() }, exit: { unsafe TinyRT.threadExit($0) },
      child: { TinyRT.recoverInChild() })
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
      nl_get_ops_tiny_rt(), "tiny-rt",
      Entries(
        kmalloc: tinyRTKmalloc, kfree: tinyRTKfree, kmallocNolock: tinyRTKmallocNolock,
        kfreeNolock: tinyRTKfreeNolock, ksize: tinyRTKsize,
        barrier: { TinyRT.barrier() }, attach: { TinyRT.threadAttach() },
        detach: { TinyRT.threadDetach() },
        stats: { unsafe TinyRT.instance.statistics($0, $1) },
        control: { unsafe TinyRT.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe TinyRT.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe TinyRT.Form.kfreeBulk($0, $1) },
          prefill: { unsafe TinyRT.prefill($0, $1, $2) },
          allocFromSheaf: tinyRTAllocFromSheaf,
          sheafSize: { unsafe TinyRT.size(of: $0) },
          refillSheaf: { unsafe TinyRT.refill($0, $1) },
          returnSheaf: { unsafe TinyRT.giveBack($0) },
          shrink: { TinyRT.shrink() }, flush: { TinyRT.flush() })))
  }
}

@c(nl_tiny_rt_kmalloc)
func tinyRTKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: TinyRT.Form.kmalloc(size, gfp, node))
}

@c(nl_tiny_rt_kfree)
func tinyRTKfree(_ object: UnsafeMutableRawPointer?) { unsafe TinyRT.Form.kfree(object) }

@c(nl_tiny_rt_kmalloc_nolock) @_noLocks @_noAllocation
func tinyRTKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: TinyRT.Form.kmallocNolock(size, gfp, node))
}

@c(nl_tiny_rt_kfree_nolock) @_noLocks @_noAllocation
func tinyRTKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe TinyRT.Form.kfreeNolock(object)
}

@c(nl_tiny_rt_alloc_from_sheaf) @_noLocks @_noAllocation
func tinyRTAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe TinyRT.allocate(from: sheaf, gfp)
}

@c(nl_tiny_rt_ksize)
func tinyRTKsize(_ object: UnsafeRawPointer?) -> Int { unsafe TinyRT.ksize(object) }
