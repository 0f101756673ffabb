import CNolock
import CPlatform

/// The road not taken in 2020 (kernel-reference §5): no entry point of its own, but a flag of
/// kmalloc, tested in its fast line.  kmalloc_nolock of the table is what
/// that call becomes with the flag known.
enum GFPFlag: Configuration {
  typealias Form = SheafDesign<GFPFlag>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_gfpflag()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_gfpflag()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_gfpflag(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { GFPFlag.runWorker() }, exit: { unsafe GFPFlag.threadExit($0) },
      child: { GFPFlag.recoverInChild() })
  }
  @inline(__always)
  static var hasNolockFlag: Bool { true }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_gfpflag(), "gfpflag",
      Entries(
        kmalloc: gfpflagKmalloc, kfree: gfpflagKfree, kmallocNolock: gfpflagKmallocNolock,
        kfreeNolock: gfpflagKfreeNolock, ksize: gfpflagKsize,
        barrier: { GFPFlag.barrier() }, attach: { GFPFlag.threadAttach() },
        detach: { GFPFlag.threadDetach() },
        stats: { unsafe GFPFlag.instance.statistics($0, $1) },
        control: { unsafe GFPFlag.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe GFPFlag.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe GFPFlag.Form.kfreeBulk($0, $1) },
          prefill: { unsafe GFPFlag.prefill($0, $1, $2) },
          allocFromSheaf: gfpflagAllocFromSheaf,
          sheafSize: { unsafe GFPFlag.size(of: $0) },
          refillSheaf: { unsafe GFPFlag.refill($0, $1) },
          returnSheaf: { unsafe GFPFlag.giveBack($0) },
          shrink: { GFPFlag.shrink() }, flush: { GFPFlag.flush() })))
  }
}

@c(nl_gfpflag_kmalloc)
func gfpflagKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: GFPFlag.Form.kmalloc(size, gfp, node))
}

@c(nl_gfpflag_kfree)
func gfpflagKfree(_ object: UnsafeMutableRawPointer?) { unsafe GFPFlag.Form.kfree(object) }

@c(nl_gfpflag_kmalloc_nolock) @_noLocks @_noAllocation
func gfpflagKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: GFPFlag.Form.kmallocNolock(size, gfp, node))
}

@c(nl_gfpflag_kfree_nolock) @_noLocks @_noAllocation
func gfpflagKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe GFPFlag.Form.kfreeNolock(object)
}

@c(nl_gfpflag_alloc_from_sheaf) @_noLocks @_noAllocation
func gfpflagAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe GFPFlag.allocate(from: sheaf, gfp)
}

@c(nl_gfpflag_ksize)
func gfpflagKsize(_ object: UnsafeRawPointer?) -> Int { unsafe GFPFlag.ksize(object) }
