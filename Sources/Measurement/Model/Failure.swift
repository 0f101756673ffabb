/// The exit codes of `nolock` (harness.md, "Commands").
public enum ExitStatus: Int32, Sendable {
  case ok = 0
  case internalError = 1
  case regression = 2
  case sampleFailed = 3
  case improvement = 4
  case notFound = 5
  case notPermitted = 6
  case inconclusive = 7
  case void = 8
  case usage = 64
  case interrupted = 130
}

/// What went wrong, in one line, and the exit code that says so.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
  public let status: ExitStatus
  /// One line: the place, what was found, what is allowed.
  public let message: String

  /// Line breaks in `message` (of a library's own text) become spaces: one error, one line.
  public init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  public var description: String { message }
}
