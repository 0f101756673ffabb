import CNolock
import Foundation
import Glibc
import TestSupport
import Testing

/// The allocator built with other flags, as a shared object in a folder of this process.
enum BuiltSubject {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let folder: URL = {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "nolock-subjects-\(ProcessInfo.processInfo.processIdentifier)")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }()

  /// Builds `design` with `flags`, once per name, and returns the object's path.
  static func build(_ name: String, design: String = "sheaves", flags: [String]) throws -> String {
    let object = folder.appending(path: "\(name).so").path
    if FileManager.default.fileExists(atPath: object) { return object }
    let script = root.appending(path: "scripts/build-subject").path
    let result = try Command.run([script, object, design] + flags.flatMap { ["-D", $0] })
    try #require(result.status == 0, "build-subject: \(result.text)")
    return object
  }
}

extension BuiltSubject {
  /// An instance that nobody has used yet, with everything in its first state: a copy of the object,
  /// loaded once more.  `flags` as for `build`.
  static func fresh(
    _ name: String = "sound", design: String = "sheaves", flags: [String] = []
  ) throws -> Subject {
    let built = try build(name, design: design, flags: flags)
    let copy = folder.appending(path: "\(name)-\(UUID().uuidString).so").path
    try FileManager.default.copyItem(atPath: built, toPath: copy)
    let handle = unsafe dlopen(copy, RTLD_NOW | RTLD_LOCAL)
    let error = unsafe handle == nil ? dlerror().map { unsafe String(cString: $0) } : nil
    // Static TLS runs out after some dozens: scripts/test asks glibc for more.
    try #require(unsafe handle != nil, "dlopen: \(error ?? ""); is GLIBC_TUNABLES set as in scripts/test?")
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<nolock_ops>?
    let entry = unsafe unsafeBitCast(dlsym(handle, "nolock_subject"), to: Entry.self)
    return unsafe Subject(try #require(entry(NOLOCK_ABI)), name)
  }
}
