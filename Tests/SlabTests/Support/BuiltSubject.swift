import CNolock
import Foundation
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

  /// Builds with `flags` and returns the object's path.
  static func build(_ name: String, design: String = "sheaves", flags: [String]) throws -> String {
    let object = folder.appending(path: "\(name).so").path
    let script = root.appending(path: "scripts/build-subject").path
    let result = try Command.run([script, object, design] + flags.flatMap { ["-D", $0] })
    try #require(result.status == 0, "build-subject: \(result.text)")
    return object
  }
}
