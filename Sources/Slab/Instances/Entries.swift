import CNolock
import CPlatform

/// An instance's entry points as C functions.  They return integers where the table says pointer:
/// an optional pointer costs the tail call of the slow path, because Swift's is an integer that
/// LLVM casts after the join.
///
/// `@_noLocks @_noAllocation` on the nolock ones is a lint; the proof is the object code and every
/// instruction boundary.
@safe
struct Entries {
  typealias Allocator = @convention(c) (UInt, UInt32, Int32) -> UInt
  typealias Release = @convention(c) (UnsafeMutableRawPointer?) -> Void
  let kmalloc: Allocator
  let kfree: Release
  /// Nil where the instance promises nothing in a handler.
  let kmallocNolock: Allocator?
  let kfreeNolock: Release?
  let ksize: @convention(c) (UnsafeRawPointer?) -> Int
  let barrier: @convention(c) () -> Void
  let attach: @convention(c) () -> Int32
  let detach: @convention(c) () -> Void
  let stats: @convention(c) (UnsafeMutablePointer<nolock_stat>?, Int) -> Int
  let control: @convention(c) (UnsafePointer<CChar>?, UInt64) -> Int32
  let sheaves: SheafEntries
  /// Nil without checks.
  var report: (@convention(c) (UnsafeMutablePointer<CChar>?, Int) -> Int)?
}

/// Bulk calls and prefilled sheaves.
@safe
struct SheafEntries {
  let kmallocBulk: @convention(c) (Int, UInt32, Int, Slot?) -> Int
  let kfreeBulk: @convention(c) (Int, Slot?) -> Void
  let prefill: @convention(c) (Int, UInt32, Int) -> OpaquePointer?
  let allocFromSheaf: @convention(c) (OpaquePointer?, UInt32) -> UnsafeMutableRawPointer?
  let sheafSize: @convention(c) (OpaquePointer?) -> Int
  let refillSheaf: @convention(c) (UnsafeMutablePointer<OpaquePointer?>?, Int) -> Int32
  let returnSheaf: @convention(c) (OpaquePointer?) -> Void
  let shrink: @convention(c) () -> Int
  let flush: @convention(c) () -> Void
}

// The same with a sheaf as C sees it, opaque.
extension Configuration {
  static func prefill(_ size: Int, _ gfp: UInt32, _ count: Int) -> OpaquePointer? {
    unsafe Form.prefill(UInt(bitPattern: size), gfp, count).map { unsafe OpaquePointer($0.pointer) }
  }

  static func allocate(from sheaf: OpaquePointer?, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
    unsafe Form.allocate(from: self.sheaf(sheaf), gfp)
  }

  static func size(of sheaf: OpaquePointer?) -> Int { unsafe self.sheaf(sheaf)?.size ?? 0 }

  static func refill(_ place: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int) -> Int32 {
    guard let place = unsafe place else { return -22 }  // EINVAL
    var pointer = unsafe sheaf(place.pointee)?.pointer
    let result = unsafe Form.refill(&pointer, count)
    unsafe place.pointee = pointer.map { OpaquePointer($0) }
    return result
  }

  static func giveBack(_ sheaf: OpaquePointer?) { unsafe Form.giveBack(self.sheaf(sheaf)) }

  static func shrink() -> Int {
    guard let vcpu = enterOrdinary() else { return 0 }
    return instance.shrink(vcpu)
  }

  @inline(__always)
  private static func sheaf(_ opaque: OpaquePointer?) -> Sheaf? {
    unsafe opaque.map { unsafe Sheaf(UnsafeMutablePointer($0)) }
  }
}

extension Configuration {
  /// Fills in the table of the instance at `storage`.
  static func table(
    _ storage: UnsafeMutableRawPointer, _ name: StaticString, _ entries: Entries
  ) -> UnsafePointer<nolock_ops> {
    typealias Pointer = @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?
    var capabilities =
      NOLOCK_CAP_GFP_ACCOUNT.rawValue | NOLOCK_CAP_LIMIT.rawValue
      | NOLOCK_CAP_BULK.rawValue | NOLOCK_CAP_PREFILL.rawValue | NOLOCK_CAP_SHRINK.rawValue
      | NOLOCK_CAP_QUOTA.rawValue
    // Threads that share a vCPU cannot move one by one.
    if !Preempt.isRT { capabilities |= NOLOCK_CAP_NODES.rawValue }
    // Unguarded, the fast line does not count.
    if isGuarded { capabilities |= NOLOCK_CAP_STATS.rawValue }
    if constants.hasChecks { capabilities |= NOLOCK_CAP_CHECKS.rawValue }
    // Refused at the table, too: not even a sheaf serves, so that the answer is always the same.
    let refused: Entries.Allocator? = Slab.lacksExchange ? { _, _, _ in 0 } : nil
    if entries.kmallocNolock != nil, refused == nil {
      capabilities |= NOLOCK_CAP_ANY_CONTEXT.rawValue
    }
    let ops = unsafe storage.assumingMemoryBound(to: nolock_ops.self)
    unsafe ops.pointee = nolock_ops(
      abi: NOLOCK_ABI, size: UInt32(MemoryLayout<nolock_ops>.size),
      capabilities: UInt64(capabilities), name: text(name), version: text("1"),
      kmalloc: unsafeBitCast(entries.kmalloc, to: Pointer.self), kfree: entries.kfree,
      kmalloc_nolock: unsafeBitCast(refused ?? entries.kmallocNolock, to: Pointer?.self),
      kfree_nolock: entries.kfreeNolock, kfree_rcu: nil, kfree_rcu_nolock: nil,
      barrier: entries.barrier, thread_attach: entries.attach, thread_detach: entries.detach,
      stats: isGuarded ? entries.stats : nil, ksize: entries.ksize, control: entries.control,
      context: { nolockContext($0) }, defer_irq: { nolockDeferIRQ($0) }, lockdep: nil,
      kmalloc_bulk: entries.sheaves.kmallocBulk, kfree_bulk: entries.sheaves.kfreeBulk,
      prefill: entries.sheaves.prefill, alloc_from_sheaf: entries.sheaves.allocFromSheaf,
      sheaf_size: entries.sheaves.sheafSize, refill_sheaf: entries.sheaves.refillSheaf,
      return_sheaf: entries.sheaves.returnSheaf, shrink: entries.sheaves.shrink,
      flush: entries.sheaves.flush, report: entries.report)
    #if NOLOCK_LOCKDEP
      unsafe ops.pointee.lockdep = Lockdep.table()
    #endif
    return unsafe UnsafePointer(ops)
  }
}

private func text(_ string: StaticString) -> UnsafePointer<CChar> {
  unsafe UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
}
