import CPlatform

/// What distinguishes two instances of the same design: where they live and how large their caches
/// are.  Every use is specialised; nothing is looked up at run time.
protocol Tuning {
  static var instance: Instance { get }
  /// The calling thread's block: `boot` before its first slow call, `gone` after its exit.
  static var vcpu: VCPU { get }
  /// Sets the thread's slot if it still holds `old`.
  static func replace(_ old: VCPU, with new: VCPU) -> Bool
  /// Bytes of a sheaf for objects of a size: a bucket, which the pointers fill exactly.
  static func sheafBytes(objectSize: Int) -> Int
  /// Full, and empty, sheaves that a barn keeps.
  static var barnLimit: Int { get }
  /// The worker's thread function.
  static var workerMain: nl_plain_hook { get }
  /// Starts the instance; false if it cannot be.  Task context.
  static func start() -> Bool
  /// True if nolock page allocation may carve fresh pages instead of a reserve of fixed size.
  static var carvesFromTop: Bool { get }
}

extension Tuning {
  static func start(_ exit: nl_exit_hook, _ child: nl_plain_hook) -> Bool {
    unsafe instance.start(
      barnLimit: barnLimit, carvesFromTop: carvesFromTop, sheafBytes: sheafBytes, exitHook: exit,
      childHook: child)
  }
}

/// The kernel's constants: capacities 60/28/12/4, barns of 10/10.  Never tuned, because this is
/// what revisions of the kernel's design are compared with.
enum Sheaves: Tuning {
  @inline(__always)
  static var instance: Instance { unsafe Instance(nl_get_instance_sheaves()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_sheaves()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_sheaves(old.pointer, new.pointer)
  }
  static var workerMain: nl_plain_hook { { SheafDesign<Sheaves>.runWorker() } }
  static func start() -> Bool {
    let exit: nl_exit_hook = { unsafe SheafDesign<Sheaves>.threadExit($0) }
    return unsafe start(exit) { SheafDesign<Sheaves>.recoverInChild() }
  }
  static func sheafBytes(objectSize: Int) -> Int {
    objectSize >= 4096 ? 64 : objectSize >= 1024 ? 128 : objectSize >= 256 ? 256 : 512
  }
  static var barnLimit: Int { 10 }
  static var carvesFromTop: Bool { false }
}

/// Tuned for user programs: larger sheaves and barns, so that a batch of a thousand objects stays
/// out of the slabs.
enum Heap: Tuning {
  @inline(__always)
  static var instance: Instance { unsafe Instance(nl_get_instance_heap()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_heap()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_heap(old.pointer, new.pointer)
  }
  static var workerMain: nl_plain_hook { { SheafDesign<Heap>.runWorker() } }
  static func start() -> Bool {
    let exit: nl_exit_hook = { unsafe SheafDesign<Heap>.threadExit($0) }
    return unsafe start(exit) { SheafDesign<Heap>.recoverInChild() }
  }
  static func sheafBytes(objectSize: Int) -> Int {
    objectSize >= 4096 ? 128 : objectSize >= 1024 ? 256 : objectSize >= 512 ? 512 : 1024
  }
  static var barnLimit: Int { 64 }
  static var carvesFromTop: Bool { true }
}
