import CPlatform
import Glibc

/// A shared object loaded with RTLD_LOCAL.  Never unloaded.
@safe struct SharedObject {
  private let handle: UnsafeMutableRawPointer?
  /// Where the object starts in memory; nil for the process itself.
  private let base: UnsafeMutableRawPointer?

  /// The process's own symbols, in the order of the dynamic linker.
  static var process: SharedObject { unsafe SharedObject(handle: nil, base: nil) }

  private init(handle: UnsafeMutableRawPointer?, base: UnsafeMutableRawPointer?) {
    unsafe self.handle = unsafe handle
    unsafe self.base = unsafe base
  }

  /// Loads `path`; throws the dynamic linker's own words.
  init(path: String) throws(LoadError) {
    guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      throw LoadError(text: unsafe dlerror().map { unsafe String(cString: $0) } ?? "dlopen failed")
    }
    unsafe self.handle = unsafe handle
    // The handle is glibc's `struct link_map`, whose first word is the load address (dlinfo(3),
    // RTLD_DI_LINKMAP, returns the same pointer).
    unsafe self.base = unsafe handle.load(as: UnsafeMutableRawPointer?.self)
  }

  /// The address of `symbol`, or nil; also nil if another object, such as libc, provides it.
  func symbol(_ name: String) -> UnsafeMutableRawPointer? {
    guard let address = unsafe dlsym(handle, name) else { return nil }
    return unsafe handle == nil || contains(address) ? address : nil
  }

  /// Whether `address` lies in this object's own mapping.
  func contains(_ address: UnsafeRawPointer) -> Bool {
    unsafe nl_object_base(address).map { unsafe $0 == UnsafeRawPointer(base) } ?? false
  }

  struct LoadError: Error { let text: String }
}
