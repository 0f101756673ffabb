import Foundation

/// How a short program of the PATH ended, and what it said.
public struct ShortProgram: Sendable {
  public var succeeded: Bool
  /// The line of its standard error that names an error, else the last one.
  public var complaint: String

  /// Runs it for at most 20 s; nil where there is none of this name.
  ///
  /// - Throws: `notPermitted` where it cannot be started.
  public static func run(_ name: String, _ arguments: [String]) throws(Failure) -> ShortProgram? {
    let environment = ProcessInfo.processInfo.environment
    let folders = (environment["PATH"] ?? "/usr/bin").split(separator: ":")
    let path = folders.map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let path else { return nil }
    let child = ChildProcess(
      path: path, arguments: arguments, environment: environment.map { "\($0.key)=\($0.value)" })
    let ended = try child.run(input: [], seconds: 20, signals: nil)
    let said = String(decoding: ended.errors, as: UTF8.self)
      .split(whereSeparator: \.isNewline).map(String.init)
    let named = said.first {
      $0.contains("rror") || $0.contains("ermission") || $0.contains("nable")
    }
    return ShortProgram(
      succeeded: ended.end == .exited(0), complaint: named ?? said.last ?? "\(ended.end)")
  }
}
