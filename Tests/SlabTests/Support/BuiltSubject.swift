import CNolock
import Foundation
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

  /// Runs a program to its end; its exit status and everything it printed.
  static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// Builds with `flags` and returns the object's path.
  static func build(_ name: String, flags: [String]) throws -> String {
    let object = folder.appending(path: "\(name).so").path
    let result = try run(
      root.appending(path: "scripts/build-subject").path,
      [object, "sheaves"] + flags.flatMap { ["-D", $0] })
    try #require(result.status == 0, "build-subject: \(result.text)")
    return object
  }

  static func load(_ name: String, flags: [String]) throws -> Subject {
    let object = try build(name, flags: flags)
    guard let handle = unsafe dlopen(object, RTLD_NOW | RTLD_LOCAL),
      let symbol = unsafe dlsym(handle, "nolock_subject")
    else { throw NotLoadable(object: object) }
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<nolock_ops>?
    guard let ops = unsafe unsafeBitCast(symbol, to: Entry.self)(NOLOCK_ABI) else {
      throw NotLoadable(object: object)
    }
    return unsafe Subject(ops, name)
  }

  struct NotLoadable: Error {
    let object: String
  }
}
