import CNolock
import CPlatform

/// What distinguishes two instances: their form, where they live and how large their caches are.
/// Every use is specialised; nothing is looked up at run time.
protocol Configuration {
  associatedtype Form: Design where Form.C == Self
  associatedtype Preempt: Preemption
  typealias VCPU = PerCPU<Preempt>
  static var instance: Instance<Preempt> { get }
  /// The calling thread's block: `boot` before its first slow call, `gone` after its exit.
  static var vcpu: VCPU { get }
  /// Sets the thread's slot if it still holds `old`.
  static func replace(_ old: VCPU, with new: VCPU) -> Bool
  /// The numbers that the instance starts with.
  static var constants: Constants { get }
  /// False in `floor`: the fast line without lock, remote request and counters.
  static var isGuarded: Bool { get }
  /// True in `gfpflag`: NOLOCK_GFP_NOLOCK is a flag of kmalloc, tested in its fast line.
  static var hasNolockFlag: Bool { get }
  /// The thread functions of the worker, of a thread's exit and of a fork's child.
  static var hooks: Hooks { get }
  /// The instance's table, filled in; nil iff it could not be started.
  static func subject() -> UnsafePointer<nolock_ops>?
}

/// What libc calls.  C functions know no generic parameter, so each instance names its own.
@safe
struct Hooks {
  let worker: nl_plain_hook
  let exit: nl_exit_hook
  let child: nl_plain_hook
}

extension Configuration {
  static var constants: Constants { Constants() }
  @inline(__always)
  static var isGuarded: Bool { true }
  @inline(__always)
  static var hasNolockFlag: Bool { false }

  /// Starts the instance; false if it cannot be.
  ///
  /// - Context: task.
  static func start() -> Bool {
    unsafe instance.start(
      constants, exitHook: hooks.exit, childHook: hooks.child,
      prepare: {
        Preempt.isRT ? unsafe shareVCPUs(UInt64(instance.pointer.pointee.cpu_count)) : true
      })
  }
}

/// The numbers of an instance.  As they stand they are the kernel's, and never tuned, because they
/// are what revisions of the kernel's code are compared with.
struct Constants {
  /// Bytes of a sheaf for objects of a size: a bucket, which the pointers fill exactly (capacities
  /// 60/28/12/4).
  var sheafBytes: (_ objectSize: Int) -> Int = {
    $0 >= 4096 ? 64 : $0 >= 1024 ? 128 : $0 >= 256 ? 256 : 512
  }
  /// Objects that a thread's first sheaf of a cache is filled with, at most its capacity.
  var firstFill = Int.max
  /// Full, and empty, sheaves that a barn keeps.
  var barnLimit = 10
  /// Asks the kernel for huge pages where that costs neither small processes nor handlers.
  var hugePages = false
  /// True if nolock page allocation may carve fresh pages instead of a reserve of fixed size.
  var carvesFromTop = false
  /// Highest order of a slab, where an object fits it.
  var highestOrder = 3
  /// False: a node keeps no empty slab (SLUB_TINY).
  var keepsEmptySlabs = true
  /// True: vCPUs keep partial slabs (CONFIG_SLUB_CPU_PARTIAL).
  var hasCPUPartial = false
  /// True: a line counts frees one by one; else `top` tells them (Context/FreeCount.swift).
  var countsFrees = false
  /// True: objects stand between red zones, and a track behind each (Debug/Checks).
  var hasChecks = false
}
