import CNolock
import Glibc

/// The one object of `null`.
nonisolated(unsafe) private var object: UnsafeMutableRawPointer?

private let nullKmalloc: @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer? = {
  _, _, _ in unsafe object
}
private let nullKfree: @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }

/// `null`: the cost of the loop itself.  Returns the same memory each time, whatever the size (up
/// to NOLOCK_MAX_SIZE), and has no counters.
func loadNull() -> SubjectLookup {
  // 64 KiB aligned and private to the process; touched pages only are ever populated.
  let bytes = Int(NOLOCK_MAX_SIZE)
  guard let memory = unsafe aligned_alloc(65536, bytes) else {
    return .failed("null: no memory")
  }
  unsafe object = memory
  var ops = unsafe nolock_ops()
  unsafe ops.abi = NOLOCK_ABI
  unsafe ops.size = UInt32(MemoryLayout<nolock_ops>.size)
  unsafe ops.capabilities = UInt64(NOLOCK_CAP_ANY_CONTEXT.rawValue)
  unsafe ops.name = permanent("null")
  unsafe ops.version = permanent("1")
  unsafe ops.kmalloc = nullKmalloc
  unsafe ops.kfree = nullKfree
  unsafe ops.kmalloc_nolock = nullKmalloc
  unsafe ops.kfree_nolock = nullKfree
  return unsafe adopt(&ops, as: "null", returnsOneObject: true)
}
