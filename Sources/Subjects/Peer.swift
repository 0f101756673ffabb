import CNolock
import CPlatform
import Glibc

/// A peer allocator from one of Debian's packages.
private struct DebianPeer {
  let file: String
  let package: String
}

private func debianPeer(_ name: String) -> DebianPeer? {
  switch name {
  case "jemalloc": DebianPeer(file: "libjemalloc.so.2", package: "libjemalloc2")
  case "mimalloc": DebianPeer(file: "libmimalloc.so.2", package: "libmimalloc2.0")
  case "tcmalloc": DebianPeer(file: "libtcmalloc_minimal.so.4", package: "libtcmalloc-minimal4")
  default: nil
  }
}

/// Loads `glibc` (the process's own malloc) or one of Debian's peers.
func loadPeer(_ name: String) -> SubjectLookup {
  guard let peer = debianPeer(name) else {
    return unsafe adapt(
      SharedObject.process, as: name, version: String(cString: nl_object_libc_version()))
  }
  do {
    let object = try SharedObject(path: peer.file)
    return adapt(object, as: name, version: version(of: object, name))
  } catch {
    return .unavailable(explain(error.text, name: name, package: peer.package))
  }
}

/// Loads any shared object that defines `malloc` and `free` itself.
func loadPeer(path: String, as name: String) -> SubjectLookup {
  do {
    return adapt(try SharedObject(path: path), as: name, version: "")
  } catch {
    return .unavailable("\(name): \(error.text)")
  }
}

private func explain(_ error: String, name: String, package: String) -> String {
  // The loader's text is the only thing that tells the two apart.
  if error.contains("static TLS") {
    return "\(name): \(error); start nolock-sample with "
      + "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536"
  }
  return "\(name): \(error); Debian package: \(package)"
}

/// A table over the object's malloc family.  No `*_nolock`: a peer promises nothing in a handler.
private func adapt(_ object: SharedObject, as name: String, version: String) -> SubjectLookup {
  guard let malloc = unsafe object.symbol("malloc"), let free = unsafe object.symbol("free"),
    let calloc = unsafe object.symbol("calloc")
  else { return .failed("\(name): the object does not define malloc, calloc and free itself") }
  typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
  typealias Usable = @convention(c) (UnsafeRawPointer?) -> Int
  unsafe nl_peer_set(
    unsafeBitCast(malloc, to: nl_peer_malloc_function.self),
    unsafeBitCast(calloc, to: nl_peer_calloc_function.self))
  var ops = unsafe nolock_ops()
  unsafe ops.abi = NOLOCK_ABI
  unsafe ops.size = UInt32(MemoryLayout<nolock_ops>.size)
  unsafe ops.name = permanent(name)
  unsafe ops.version = permanent(version)
  unsafe ops.kmalloc = unsafe nl_peer_kmalloc
  unsafe ops.kfree = unsafeBitCast(free, to: Free.self)
  if let usable = unsafe object.symbol("malloc_usable_size") {
    unsafe ops.ksize = unsafeBitCast(usable, to: Usable.self)
  }
  return unsafe adopt(&ops, as: name)
}

private func version(of object: SharedObject, _ name: String) -> String {
  switch name {
  case "jemalloc":
    typealias Control =
      @convention(c) (
        UnsafePointer<CChar>, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?,
        UnsafeMutableRawPointer?, Int
      ) -> Int32
    guard let symbol = unsafe object.symbol("mallctl") else { return "" }
    var text: UnsafePointer<CChar>?
    var size = unsafe MemoryLayout<UnsafePointer<CChar>?>.size
    guard unsafe unsafeBitCast(symbol, to: Control.self)("version", &text, &size, nil, 0) == 0
    else { return "" }
    return unsafe text.map { unsafe String(cString: $0) } ?? ""
  case "mimalloc":
    guard let symbol = unsafe object.symbol("mi_version") else { return "" }
    let version = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)()
    return "\(version / 100).\(version / 10 % 10).\(version % 10)"
  default:
    typealias Version =
      @convention(c) (
        UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?
      ) -> UnsafePointer<CChar>?
    guard let symbol = unsafe object.symbol("tc_version") else { return "" }
    return unsafe unsafeBitCast(symbol, to: Version.self)(nil, nil, nil)
      .map { unsafe String(cString: $0) } ?? ""
  }
}
