import Foundation
import Measurement
import TestSupport
import Testing

/// Where the built programs and the sources are.
enum Paths {
  /// The folder of the test bundle: SwiftPM puts the executables beside it.
  static let binaries: String = {
    let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for candidate in [CommandLine.arguments[0], link ?? ""] + CommandLine.arguments {
      let folder = (candidate as NSString).deletingLastPathComponent
      if candidate.hasSuffix(".xctest") { return folder }
    }
    return package + "/.build/debug"
  }()
  static let nolock = binaries + "/nolock"
  static let sample = binaries + "/nolock-sample"
  static let package = packageFolder
}

/// A program run to its end.
struct Program {
  var status: Int32
  var signalled: Bool
  var output: String
  var errors: String

  /// The lines of stderr.
  var errorLines: [String] {
    errors.split(whereSeparator: \.isNewline).map(String.init)
  }

  /// Starts a program; `during` may send it a signal.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:],
    folder: String? = nil, during: ((Process) -> Void)? = nil
  ) throws -> Program {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    // Files, not pipes: nobody has to read while it runs.
    let name = FileManager.default.temporaryDirectory.path + "/nolock-\(UUID().uuidString)"
    defer {
      for end in [".out", ".err"] { try? FileManager.default.removeItem(atPath: name + end) }
    }
    for end in [".out", ".err"] {
      _ = FileManager.default.createFile(atPath: name + end, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: name + ".out"))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: name + ".err"))
    try process.run()
    during?(process)
    process.waitUntilExit()
    return Program(
      status: process.terminationStatus,
      signalled: process.terminationReason == .uncaughtSignal,
      output: try String(contentsOfFile: name + ".out", encoding: .utf8),
      errors: try String(contentsOfFile: name + ".err", encoding: .utf8))
  }

  /// Runs the built `nolock`.
  static func nolock(
    _ arguments: String..., environment: [String: String] = [:], folder: String? = nil,
    during: ((Process) -> Void)? = nil
  ) throws -> Program {
    try run(
      Paths.nolock, arguments, environment: environment, folder: folder ?? Paths.package,
      during: during)
  }
}

/// A folder of its own for a test.
func temporaryFolder(_ body: (String) throws -> Void) throws {
  let path = FileManager.default.temporaryDirectory.path + "/nolock-test-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  try body(path)
}

/// What `nolock run` of a suite gives, which must succeed; its files are in `folder`/out.
func runResult(_ suite: String, in folder: String, _ more: String...) throws -> RunResult {
  let ended = try Program.run(
    Paths.nolock, ["run", suite, "-o", folder + "/out", "--format", "json"] + more,
    folder: Paths.package)
  #expect(ended.status == 0, "\(ended.errors)")
  return try JSONDecoder().decode(RunResult.self, from: Data(ended.output.utf8))
}

/// The same of a suite written here.
func runResult(yaml: String, in folder: String) throws -> RunResult {
  let path = folder + "/suite.yaml"
  try yaml.write(toFile: path, atomically: true, encoding: .utf8)
  return try runResult(path, in: folder)
}
