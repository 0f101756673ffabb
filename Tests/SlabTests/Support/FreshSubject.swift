import CNolock
import Foundation
import Glibc
import TestSupport
import Testing

extension Subject {
  /// An instance that nobody has used yet, with everything in its first state: a copy of a built
  /// object, loaded once more.  `design` and `flags` as for `TestObjects.build`.
  static func fresh(_ design: String = "sheaves", flags: [String] = []) throws -> Subject {
    let built = try TestObjects.build(design, flags: flags)
    let copy = TestObjects.folder + "/\(design)-\(UUID().uuidString).so"
    try FileManager.default.copyItem(atPath: built, toPath: copy)
    let handle = unsafe dlopen(copy, RTLD_NOW | RTLD_LOCAL)
    let error = unsafe handle == nil ? dlerror().map { unsafe String(cString: $0) } : nil
    // Static TLS runs out after some dozens: scripts/test asks glibc for more.
    try #require(
      unsafe handle != nil, "dlopen: \(error ?? ""); is GLIBC_TUNABLES set as in scripts/test?")
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<nolock_ops>?
    let entry = unsafe unsafeBitCast(dlsym(handle, "nolock_subject"), to: Entry.self)
    return unsafe Subject(try #require(entry(NOLOCK_ABI)), design)
  }
}
