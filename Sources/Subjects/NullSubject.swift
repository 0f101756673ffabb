import CNolock
import CPlatform
import Glibc

/// `null`: the cost of the loop itself.  Returns the same memory each time, whatever the size (up
/// to NOLOCK_MAX_SIZE), and has no counters.
func loadNull() -> SubjectLookup {
  // 64 KiB aligned and private to the process; touched pages only are ever populated.
  let bytes = Int(NOLOCK_MAX_SIZE)
  guard let memory = unsafe aligned_alloc(65536, bytes) else {
    return .failed("null: no memory")
  }
  unsafe nl_null_set(memory)
  var ops = unsafe nolock_ops()
  unsafe ops.abi = NOLOCK_ABI
  unsafe ops.size = UInt32(MemoryLayout<nolock_ops>.size)
  unsafe ops.capabilities = UInt64(NOLOCK_CAP_ANY_CONTEXT.rawValue)
  unsafe ops.name = permanent("null")
  unsafe ops.version = permanent("1")
  unsafe ops.kmalloc = nl_null_kmalloc
  unsafe ops.kfree = nl_null_kfree
  unsafe ops.kmalloc_nolock = nl_null_kmalloc
  unsafe ops.kfree_nolock = nl_null_kfree
  return unsafe adopt(&ops, as: "null", returnsOneObject: true)
}
