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
