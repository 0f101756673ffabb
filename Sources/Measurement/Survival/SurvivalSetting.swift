/// Where the signals come from, what they interrupt, and what their handler does.
public struct SurvivalSetting: Codable, Hashable, Sendable {
  public var source: String
  public var work: String
  public var handler: String

  public var name: String { "\(source)/\(work)/\(handler)" }

  /// The seven of `anchors.md` (a timer at 1 and 10 kHz, a storm of `tgkill`; pairs, random
  /// replacement, the same with a second thread; handlers that free at once, hold, burst), and the
  /// eighth: a handler after every instruction.
  public static let all = [
    SurvivalSetting(source: "t1k", work: "mixed", handler: "pair"),
    SurvivalSetting(source: "t10k", work: "pair", handler: "pair"),
    SurvivalSetting(source: "t10k", work: "mixed", handler: "pair"),
    SurvivalSetting(source: "storm", work: "mixed", handler: "hold"),
    SurvivalSetting(source: "storm", work: "mt", handler: "hold"),
    SurvivalSetting(source: "t10k", work: "mixed", handler: "burst"),
    SurvivalSetting(source: "storm", work: "mt", handler: "burst"),
    SurvivalSetting(source: "step", work: "mixed", handler: "hold"),
  ]

  /// The eighth is told apart from the other seven in the summary.
  public var isStep: Bool { source == "step" }

  /// Signals of a trial unless told otherwise: at 1,000 a second 50,000 would take a minute.
  public var defaultSignals: UInt64 { source == "t1k" ? 5_000 : 50_000 }
}

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
