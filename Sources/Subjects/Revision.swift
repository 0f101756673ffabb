import CNolock

/// Loads another revision of ours: a shared object that exports `nolock_subject`.
///
/// With symbols of the same name in two objects the dynamic linker may bind one to the other's
/// code or state, so each function pointer must lie in the object itself.
func loadRevision(_ name: String, path: String) -> SubjectLookup {
  guard !path.isEmpty else { return .failed("\(name): no shared object is given") }
  let object: SharedObject
  do { object = try SharedObject(path: path) } catch { return .failed("\(name): \(error.text)") }
  guard let symbol = unsafe object.symbol("nolock_subject") else {
    return .failed("\(name): \(path) does not define nolock_subject itself")
  }
  typealias Entry = @convention(c) (UInt32) -> UnsafePointer<nolock_ops>?
  guard let ops = unsafe unsafeBitCast(symbol, to: Entry.self)(NOLOCK_ABI) else {
    return .failed("\(name): \(path) does not serve abi \(NOLOCK_ABI)")
  }
  let found = unsafe adopt(ops, as: name)
  guard case .found(let subject) = found else { return found }
  if let foreign = foreignFunction(of: subject, object) {
    return .failed("\(name): \(foreign) lies outside \(path)")
  }
  return found
}

/// The first function of the table that is not the object's own code.
private func foreignFunction(of subject: Subject, _ object: SharedObject) -> String? {
  // All from kmalloc on, in the order of nolock.h; `lockdep` is data.
  let names = [
    "kmalloc", "kfree", "kmalloc_nolock", "kfree_nolock", "kfree_rcu", "kfree_rcu_nolock",
    "barrier", "thread_attach", "thread_detach", "stats", "ksize", "control",
    "context", "defer_irq", "lockdep", "kmalloc_bulk", "kfree_bulk", "prefill",
    "alloc_from_sheaf", "sheaf_size", "refill_sheaf", "return_sheaf", "shrink", "flush", "report",
  ]
  let first = unsafe MemoryLayout<nolock_ops>.size - names.count * MemoryLayout<Int>.size
  for (index, name) in names.enumerated() {
    let function = unsafe UnsafeRawPointer(subject.ops).load(
      fromByteOffset: first + index * MemoryLayout<Int>.size, as: UnsafeRawPointer?.self)
    if let function = unsafe function, unsafe !object.contains(function) { return name }
  }
  return nil
}
