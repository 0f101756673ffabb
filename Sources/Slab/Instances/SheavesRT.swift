import CNolock
import CPlatform

/// `sheaves` as PREEMPT_RT has it.
enum SheavesRT: Configuration {
  typealias Form = SheafDesign<SheavesRT>
  typealias Preempt = PreemptRT
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_sheaves_rt()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_sheaves_rt()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_sheaves_rt(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { SheavesRT.runWorker() }, exit: { unsafe SheavesRT.threadExit($0) },
      child: { SheavesRT.recoverInChild() })
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_sheaves_rt(), "sheaves-rt",
      Entries(
        kmalloc: sheavesRTKmalloc, kfree: sheavesRTKfree, kmallocNolock: sheavesRTKmallocNolock,
        kfreeNolock: sheavesRTKfreeNolock, ksize: sheavesRTKsize,
        barrier: { SheavesRT.barrier() }, attach: { SheavesRT.threadAttach() },
        detach: { SheavesRT.threadDetach() },
        stats: { unsafe SheavesRT.instance.statistics($0, $1) },
        control: { unsafe SheavesRT.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe SheavesRT.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe SheavesRT.Form.kfreeBulk($0, $1) },
          prefill: { unsafe SheavesRT.prefill($0, $1, $2) },
          allocFromSheaf: sheavesRTAllocFromSheaf,
          sheafSize: { unsafe SheavesRT.size(of: $0) },
          refillSheaf: { unsafe SheavesRT.refill($0, $1) },
          returnSheaf: { unsafe SheavesRT.giveBack($0) },
          shrink: { SheavesRT.shrink() }, flush: { SheavesRT.flush() })))
  }
}

@c(nl_sheaves_rt_kmalloc)
func sheavesRTKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheavesRT.Form.kmalloc(size, gfp, node))
}

@c(nl_sheaves_rt_kfree)
func sheavesRTKfree(_ object: UnsafeMutableRawPointer?) { unsafe SheavesRT.Form.kfree(object) }

@c(nl_sheaves_rt_kmalloc_nolock) @_noLocks @_noAllocation
func sheavesRTKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: SheavesRT.Form.kmallocNolock(size, gfp, node))
}

@c(nl_sheaves_rt_kfree_nolock) @_noLocks @_noAllocation
func sheavesRTKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe SheavesRT.Form.kfreeNolock(object)
}

@c(nl_sheaves_rt_alloc_from_sheaf) @_noLocks @_noAllocation
func sheavesRTAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe SheavesRT.allocate(from: sheaf, gfp)
}

@c(nl_sheaves_rt_ksize)
func sheavesRTKsize(_ object: UnsafeRawPointer?) -> Int { unsafe SheavesRT.ksize(object) }
