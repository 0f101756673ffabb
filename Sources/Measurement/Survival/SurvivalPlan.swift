/// What is to be tried.
public struct SurvivalPlan: Codable, Sendable {
  public static let largestTrials = 1000
  public static let largestSignals: UInt64 = 100_000_000

  public var subjects = ["heap", "sheaves", "glibc", "jemalloc", "mimalloc", "tcmalloc"]
  public var settings = SurvivalSetting.all
  public var trials = 5
  /// Per trial; `nil`: each setting's own.
  public var signals: UInt64?
  public var seed: UInt64 = 1

  public init() {}

  /// One trial: `trial` counts from 0 in its subject and setting.
  public struct Task: Hashable, Sendable {
    public var subject: String
    public var setting: SurvivalSetting
    public var trial: Int
  }

  /// Every trial, in the order in which results are kept.
  public var tasks: [Task] {
    subjects.flatMap { subject in
      settings.flatMap { setting in
        (0..<trials).map { Task(subject: subject, setting: setting, trial: $0) }
      }
    }
  }

  /// What a trial of a setting asks for.
  public func signals(_ setting: SurvivalSetting) -> UInt64 { signals ?? setting.defaultSignals }

  /// The first thing in which another plan differs, as `trials=5, not 2`; `nil` iff nothing does.
  public func difference(from other: SurvivalPlan) -> String? {
    func axes(_ plan: SurvivalPlan) -> [(name: String, value: String)] {
      [
        ("subject", plan.subjects.joined(separator: ",")),
        ("setting", plan.settings.map(\.name).joined(separator: ",")),
        ("trials", "\(plan.trials)"), ("signals", plan.signals.map { "\($0)" } ?? "default"),
        ("seed", "\(plan.seed)"),
      ]
    }
    for (own, theirs) in zip(axes(self), axes(other)) where own.value != theirs.value {
      return "\(own.name)=\(own.value), not \(theirs.value)"
    }
    return nil
  }

  /// A look, not a result: two trials of 1,000 signals.
  public mutating func shorten() {
    trials = min(trials, 2)
    signals = min(signals ?? 1_000, 1_000)
  }

  /// Takes one `axis=a,b`.
  ///
  /// - Throws: `usage` with what is allowed.
  public mutating func override(_ text: String) throws(Failure) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let axis = String(parts[0])
    let values = (parts.count > 1 ? String(parts[1]) : "").split(separator: ",").map(String.init)
    func wrong(_ found: String, _ allowed: String) -> Failure {
      Failure(.usage, "-p \(axis): '\(found)' found, allowed: \(allowed)")
    }
    guard !values.isEmpty else { throw wrong("", "\(axis)=value") }
    switch axis {
    case "subject":
      for name in values where !Subjects.isValid(name) || name == "null" {
        throw wrong(name, Subjects.allowed.replacing(", null,", with: ","))
      }
      subjects = values
    case "setting":
      settings = []
      for name in values {
        guard let setting = SurvivalSetting.all.first(where: { $0.name == name }) else {
          throw wrong(name, SurvivalSetting.all.map(\.name).joined(separator: ", "))
        }
        settings.append(setting)
      }
    case "trials":
      guard values.count == 1, let number = Int(values[0]),
        (1...Self.largestTrials).contains(number)
      else { throw wrong(values.joined(separator: ","), "1…\(Self.largestTrials)") }
      trials = number
    case "signals":
      guard values.count == 1, let number = UInt64(values[0]),
        (1...Self.largestSignals).contains(number)
      else { throw wrong(values.joined(separator: ","), "1…\(Self.largestSignals)") }
      signals = number
    default:
      throw Failure(
        .usage,
        "-p '\(axis)' found, allowed for survival: subject, setting, trials, signals")
    }
  }
}
