import CNolock
import CPlatform

/// `cpuslab` as PREEMPT_RT has it: no lockless fast path, and whoever may wait for another task's
/// line does.
enum CPUSlabsRT: Configuration {
  typealias Form = CPUSlabDesign<CPUSlabsRT>
  typealias Preempt = PreemptRT
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_cpuslab_rt()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_cpuslab_rt()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_cpuslab_rt(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { CPUSlabsRT.runWorker() }, exit: { unsafe CPUSlabsRT.threadExit($0) },
      child: { CPUSlabsRT.recoverInChild() })
  }

  static var constants: Constants {
    var constants = Constants()
    constants.hasCPUPartial = true
    constants.countsFrees = true
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_cpuslab_rt(), "cpuslab-rt",
      Entries(
        kmalloc: cpuslabRTKmalloc, kfree: cpuslabRTKfree, kmallocNolock: cpuslabRTKmallocNolock,
        kfreeNolock: cpuslabRTKfreeNolock, ksize: cpuslabRTKsize,
        barrier: { CPUSlabsRT.barrier() }, attach: { CPUSlabsRT.threadAttach() },
        detach: { CPUSlabsRT.threadDetach() },
        stats: { unsafe CPUSlabsRT.instance.statistics($0, $1) },
        control: { unsafe CPUSlabsRT.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe CPUSlabsRT.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe CPUSlabsRT.Form.kfreeBulk($0, $1) },
          prefill: { unsafe CPUSlabsRT.prefill($0, $1, $2) },
          allocFromSheaf: cpuslabRTAllocFromSheaf,
          sheafSize: { unsafe CPUSlabsRT.size(of: $0) },
          refillSheaf: { unsafe CPUSlabsRT.refill($0, $1) },
          returnSheaf: { unsafe CPUSlabsRT.giveBack($0) },
          shrink: { CPUSlabsRT.shrink() }, flush: { CPUSlabsRT.flush() })))
  }
}

@c(nl_cpuslab_rt_kmalloc)
func cpuslabRTKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: CPUSlabsRT.Form.kmalloc(size, gfp, node))
}

@c(nl_cpuslab_rt_kfree)
func cpuslabRTKfree(_ object: UnsafeMutableRawPointer?) { unsafe CPUSlabsRT.Form.kfree(object) }

@c(nl_cpuslab_rt_kmalloc_nolock) @_noLocks @_noAllocation
func cpuslabRTKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: CPUSlabsRT.Form.kmallocNolock(size, gfp, node))
}

@c(nl_cpuslab_rt_kfree_nolock) @_noLocks @_noAllocation
func cpuslabRTKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe CPUSlabsRT.Form.kfreeNolock(object)
}

@c(nl_cpuslab_rt_alloc_from_sheaf) @_noLocks @_noAllocation
func cpuslabRTAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe CPUSlabsRT.allocate(from: sheaf, gfp)
}

@c(nl_cpuslab_rt_ksize)
func cpuslabRTKsize(_ object: UnsafeRawPointer?) -> Int { unsafe CPUSlabsRT.ksize(object) }
