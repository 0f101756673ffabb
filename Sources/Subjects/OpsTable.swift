import CNolock
import Glibc

/// The table of the one subject of this process.  Written before any thread starts.
nonisolated(unsafe) private var table = unsafe nolock_ops()

/// Keeps a copy of `source` in which what lies beyond `source.size` is NULL, so that nobody has to
/// look at `size` again; a reason where the table cannot be used.
func adopt(
  _ source: UnsafePointer<nolock_ops>, as name: String, returnsOneObject: Bool = false
) -> SubjectLookup {
  guard unsafe source.pointee.abi == NOLOCK_ABI else {
    return unsafe .failed("\(name): abi is \(source.pointee.abi), allowed: \(NOLOCK_ABI)")
  }
  let size = unsafe Int(source.pointee.size)
  // Up to and with kfree, the fourth pointer after the three fixed words.
  guard size >= 48 else {
    return .failed("\(name): the ops table has \(size) bytes, at least 48 are needed")
  }
  unsafe table = unsafe nolock_ops()
  unsafe withUnsafeMutableBytes(of: &table) { whole in
    unsafe whole.copyMemory(
      from: UnsafeRawBufferPointer(start: source, count: min(size, whole.count)))
  }
  guard unsafe table.kmalloc != nil, unsafe table.kfree != nil else {
    return .failed("\(name): the ops table has no kmalloc or no kfree")
  }
  let version = unsafe table.version.map { unsafe String(cString: $0) } ?? ""
  return unsafe withUnsafeMutablePointer(to: &table) {
    unsafe .found(
      Subject(
        ops: UnsafePointer($0), name: name, version: version, returnsOneObject: returnsOneObject))
  }
}

func builtIn(_ name: String, _ ops: UnsafePointer<nolock_ops>?) -> SubjectLookup {
  guard let ops = unsafe ops else { return .unavailable("\(name): not built") }
  return unsafe adopt(ops, as: name)
}

/// A C string that lives as long as the process.
func permanent(_ text: String) -> UnsafePointer<CChar> {
  unsafe UnsafePointer(strdup(text)!)
}
