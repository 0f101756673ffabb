import Traces

/// One thing about the machine: what it is, what that means for measuring, what to do.
public struct Finding: Codable, Equatable, Sendable {
  public enum Level: String, Codable, Sendable {
    /// Nothing to do.
    case good
    /// Measurements work, with what `means` says.
    case limited
    /// Something cannot be measured here.
    case missing
    /// Cannot be read here.
    case unknown
  }

  /// What is looked at: `pmu`, `perf_event_paranoid`, …
  public var name: String
  public var level: Level
  /// As found, with its unit.
  public var state: String
  /// For which measurement it matters, and how.
  public var means: String
  /// nil where nothing needs to be done, or nothing can.
  @Explicit public var todo: String?

  init(_ name: String, _ level: Level, _ state: String, means: String, todo: String? = nil) {
    self.name = name
    self.level = level
    self.state = state
    self.means = means
    self.todo = todo
  }
}

/// All that `nolock doctor` looks at, in the order it is shown.
public enum Examination {
  /// Reads and tries; changes nothing.  Under half a second.
  public static func findings(_ files: KernelFiles = KernelFiles()) -> [Finding] {
    PerfChecks(files).findings + NoiseChecks(files).findings + MachineChecks(files).findings
  }
}
