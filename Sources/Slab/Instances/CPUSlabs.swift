import CNolock
import CPlatform

/// The design of Linux 6.18: a slab per vCPU.
enum CPUSlabs: Configuration {
  typealias Form = CPUSlabDesign<CPUSlabs>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_cpuslab()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_cpuslab()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_cpuslab(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { CPUSlabs.runWorker() }, exit: { unsafe CPUSlabs.threadExit($0) },
      child: { CPUSlabs.recoverInChild() })
  }

  static var constants: Constants {
    var constants = Constants()
    constants.hasCPUPartial = true
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_cpuslab(), "cpuslab",
      Entries(
        kmalloc: cpuslabKmalloc, kfree: cpuslabKfree, kmallocNolock: cpuslabKmallocNolock,
        kfreeNolock: cpuslabKfreeNolock, ksize: cpuslabKsize,
        barrier: { CPUSlabs.barrier() }, attach: { CPUSlabs.threadAttach() },
        detach: { CPUSlabs.threadDetach() },
        stats: { unsafe CPUSlabs.instance.statistics($0, $1) },
        control: { unsafe CPUSlabs.control($0, $1) }))
  }
}

@c(nl_cpuslab_kmalloc)
func cpuslabKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: CPUSlabs.Form.kmalloc(size, gfp, node))
}

@c(nl_cpuslab_kfree)
func cpuslabKfree(_ object: UnsafeMutableRawPointer?) { unsafe CPUSlabs.Form.kfree(object) }

@c(nl_cpuslab_kmalloc_nolock) @_noLocks @_noAllocation
func cpuslabKmallocNolock(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: CPUSlabs.Form.kmallocNolock(size, gfp, node))
}

@c(nl_cpuslab_kfree_nolock) @_noLocks @_noAllocation
func cpuslabKfreeNolock(_ object: UnsafeMutableRawPointer?) {
  unsafe CPUSlabs.Form.kfreeNolock(object)
}

@c(nl_cpuslab_ksize)
func cpuslabKsize(_ object: UnsafeRawPointer?) -> Int { unsafe CPUSlabs.ksize(object) }
