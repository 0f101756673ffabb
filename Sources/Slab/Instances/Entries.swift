import CNolock

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
}

extension Configuration {
  /// Fills in the table of the instance at `storage`.
  static func table(
    _ storage: UnsafeMutableRawPointer, _ name: StaticString, _ entries: Entries
  ) -> UnsafePointer<nolock_ops> {
    typealias Pointer = @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?
    var capabilities = NOLOCK_CAP_GFP_ACCOUNT.rawValue | NOLOCK_CAP_LIMIT.rawValue
    // Unguarded, the fast line does not count.
    if isGuarded { capabilities |= NOLOCK_CAP_STATS.rawValue }
    if entries.kmallocNolock != nil { capabilities |= NOLOCK_CAP_ANY_CONTEXT.rawValue }
    let ops = unsafe storage.assumingMemoryBound(to: nolock_ops.self)
    unsafe ops.pointee = nolock_ops(
      abi: NOLOCK_ABI, size: UInt32(MemoryLayout<nolock_ops>.size),
      capabilities: UInt64(capabilities), name: text(name), version: text("1"),
      kmalloc: unsafeBitCast(entries.kmalloc, to: Pointer.self), kfree: entries.kfree,
      kmalloc_nolock: unsafeBitCast(entries.kmallocNolock, to: Pointer?.self),
      kfree_nolock: entries.kfreeNolock, kfree_rcu: nil, kfree_rcu_nolock: nil,
      barrier: entries.barrier, thread_attach: entries.attach, thread_detach: entries.detach,
      stats: isGuarded ? entries.stats : nil, ksize: entries.ksize, control: entries.control,
      context: { nolockContext($0) }, defer_irq: { nolockDeferIRQ($0) })
    return unsafe UnsafePointer(ops)
  }
}

private func text(_ string: StaticString) -> UnsafePointer<CChar> {
  unsafe UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
}
