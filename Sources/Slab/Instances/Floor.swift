import CNolock
import CPlatform

/// The sheaf design without what any context costs: no lock, no remote request, no counters on the
/// fast line.  Its numbers are what the others are compared with; it promises nothing in a handler.
enum Floor: Configuration {
  typealias Form = SheafDesign<Floor>
  typealias Preempt = PreemptNone
  @inline(__always)
  static var instance: Instance<Preempt> { unsafe Instance(nl_get_instance_floor()) }
  @inline(__always)
  static var vcpu: VCPU { unsafe VCPU(nl_get_vcpu_floor()) }
  @inline(__always)
  static func replace(_ old: VCPU, with new: VCPU) -> Bool {
    unsafe nl_cas_vcpu_floor(old.pointer, new.pointer)
  }
  static var hooks: Hooks {
    unsafe Hooks(
      worker: { Floor.runWorker() }, exit: { unsafe Floor.threadExit($0) },
      child: { Floor.recoverInChild() })
  }
  @inline(__always)
  static var isGuarded: Bool { false }

  static func subject() -> UnsafePointer<nolock_ops>? {
    guard start() else { return nil }
    return unsafe table(
      nl_get_ops_floor(), "floor",
      Entries(
        kmalloc: floorKmalloc, kfree: floorKfree, kmallocNolock: nil,
        kfreeNolock: nil, ksize: floorKsize,
        barrier: { Floor.barrier() }, attach: { Floor.threadAttach() },
        detach: { Floor.threadDetach() },
        stats: { unsafe Floor.instance.statistics($0, $1) },
        control: { unsafe Floor.control($0, $1) },
        sheaves: SheafEntries(
          kmallocBulk: { unsafe Floor.Form.kmallocBulk(UInt(bitPattern: $0), $1, $2, $3) },
          kfreeBulk: { unsafe Floor.Form.kfreeBulk($0, $1) },
          prefill: { unsafe Floor.prefill($0, $1, $2) },
          allocFromSheaf: floorAllocFromSheaf,
          sheafSize: { unsafe Floor.size(of: $0) },
          refillSheaf: { unsafe Floor.refill($0, $1) },
          returnSheaf: { unsafe Floor.giveBack($0) },
          shrink: { Floor.shrink() }, flush: { Floor.flush() })))
  }
}

@c(nl_floor_kmalloc)
func floorKmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UInt {
  unsafe UInt(bitPattern: Floor.Form.kmalloc(size, gfp, node))
}

@c(nl_floor_kfree)
func floorKfree(_ object: UnsafeMutableRawPointer?) { unsafe Floor.Form.kfree(object) }

@c(nl_floor_alloc_from_sheaf) @_noLocks @_noAllocation
func floorAllocFromSheaf(_ sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
  unsafe Floor.allocate(from: sheaf, gfp)
}

@c(nl_floor_ksize)
func floorKsize(_ object: UnsafeRawPointer?) -> Int { unsafe Floor.ksize(object) }
