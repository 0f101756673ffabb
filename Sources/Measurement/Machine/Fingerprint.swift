import Traces

/// A fact about the machine or the code, or why it is not known.
public struct Fact: Codable, Equatable, Sendable {
  @Explicit public var value: String?
  /// Why there is no value; `nil` iff there is one.
  @Explicit public var reason: String?

  public static func known(_ value: String) -> Fact { Fact(value: value, reason: nil) }
  public static func unknown(_ reason: String) -> Fact { Fact(value: nil, reason: reason) }
}

/// What a result depends on besides the plan.
public struct Fingerprint: Codable, Equatable, Sendable {
  /// `cpu_model`, `kernel`, `glibc`, …
  public var machine: [String: Fact]
  /// `git_commit`, `git_dirty`, `suite_sha256`.
  public var code: [String: Fact]
  /// SHA-256 of `nolock` and `nolock-sample`.
  public var programs: [String: Fact]

  public init(machine: [String: Fact], code: [String: Fact], programs: [String: Fact]) {
    self.machine = machine
    self.code = code
    self.programs = programs
  }
}
