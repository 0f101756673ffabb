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
    constants.countsFrees = true
    return constants
  }

  static func subject() -> UnsafePointer<nolock_ops>? {
    // Its fast path is an exchange of 128 bits.
    guard start(), !Slab.lacksExchange else { return nil }
    return unsafe table(
      nl_get_ops_cpuslab(), "cpuslab",
      Entries(
        kmalloc: cpuslabKmalloc, kfree: cpuslabKfree, kmallocNolock: cpuslabKmallocNolock,
        kfreeNolock: cpuslabKfreeNolock, ksize: cpuslabKsize,
        barrier: { CPUSlabs.barrier() }, attach: { CPUSlabs.threadAttach() },
        detach: { CPUSlabs.threadDetach() },
        stats: { unsafe CPUSlabs.instance.statistics($0, $1) },
        control: { unsafe CPUSlabs.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe CPUSlabs.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe CPUSlabs.Form.kfreeBulk($0, $1) },
          prefill: { unsafe CPUSlabs.prefill($0, $1, $2) },
          allocFromSheaf: cpuslabAllocFromSheaf,
          sheafSize: { unsafe CPUSlabs.size(of: $0) },
          refillSheaf: { unsafe CPUSlabs.refill($0, $1) },
          returnSheaf: { unsafe CPUSlabs.giveBack($0) },
          shrink: { CPUSlabs.shrink() }, flush: { CPUSlabs.flush() })))
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

@c(nl_cpuslab_alloc_from_sheaf) @_noLocks @_noAllocation
func cpuslabAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe CPUSlabs.allocate(from: sheaf, gfp)
}

@c(nl_cpuslab_ksize)
func cpuslabKsize(_ object: UnsafeRawPointer?) -> Int { unsafe CPUSlabs.ksize(object) }
