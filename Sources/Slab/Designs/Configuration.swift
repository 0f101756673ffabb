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
  /// Bytes of a sheaf for objects of a size: a bucket, which the pointers fill exactly.
  static func sheafBytes(objectSize: Int) -> Int
  /// Full, and empty, sheaves that a barn keeps.
  static var barnLimit: Int { get }
  /// True if nolock page allocation may carve fresh pages instead of a reserve of fixed size.
  static var carvesFromTop: Bool { get }
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
  /// Starts the instance; false if it cannot be.
  ///
  /// - Context: task.
  static func start() -> Bool {
    unsafe instance.start(
      barnLimit: barnLimit, carvesFromTop: carvesFromTop, sheafBytes: sheafBytes,
      exitHook: hooks.exit, childHook: hooks.child,
      prepare: { Preempt.isRT ? unsafe shareVCPUs(UInt64(instance.pointer.pointee.cpu_count)) : true })
  }
}

/// The constants of the kernel's designs: sheaf capacities 60/28/12/4, barns of 10/10, a fixed reserve.  Never
/// tuned, because this is what revisions of the kernel's code are compared with.
extension Configuration {
  static func sheafBytes(objectSize: Int) -> Int {
    objectSize >= 4096 ? 64 : objectSize >= 1024 ? 128 : objectSize >= 256 ? 256 : 512
  }
  static var barnLimit: Int { 10 }
  static var carvesFromTop: Bool { false }
}
