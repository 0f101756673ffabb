import Glibc

/// Zeroed memory of the harness's own, touched already: neither the subject's malloc nor a page
/// fault of ours may appear in the measured part.  It stays until the process ends.
func mapped<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
  let bytes = max(1, count) * MemoryLayout<T>.stride
  let memory = unsafe mmap(
    nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)
  guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
    fatalError("nolock-sample: no memory for the harness's own tables")
  }
  return unsafe memory.bindMemory(to: type, capacity: max(1, count))
}

/// The text of an errno.
func errorText(_ number: Int32) -> String {
  unsafe String(cString: strerror(number))
}
