import Foundation

/// A program of the PATH run to its end: git, a build script.
public struct ToolCommand: Sendable {
  public struct Result: Sendable {
    /// The exit code; `nil` where it did not end by itself.
    public var status: Int32?
    public var interrupted: Bool
    public var output: String
    public var errors: String
    public var succeeded: Bool { status == 0 }
    /// The last line of standard error that says something.
    public var lastError: String {
      errors.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no message"
    }
  }

  /// - Parameters:
  ///   - seconds: after this time it is killed.
  ///   - environment: variables set on top of this process's own.
  /// - Throws: `notPermitted` where it cannot be started.
  public static func run(
    _ words: [String], input: [UInt8] = [], environment: [String: String] = [:],
    seconds: Double = 60, signals: Signals? = nil
  ) throws(Failure) -> Result {
    let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let child = ChildProcess(
      path: "/usr/bin/env", arguments: words, environment: all.map { "\($0.key)=\($0.value)" })
    let result = try child.run(input: input, seconds: seconds, signals: signals)
    var status: Int32?
    if case .exited(let code) = result.end { status = code }
    return Result(
      status: status, interrupted: result.end == .interrupted,
      output: String(decoding: result.output, as: UTF8.self),
      errors: String(decoding: result.errors, as: UTF8.self))
  }
}
