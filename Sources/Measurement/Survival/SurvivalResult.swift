/// Everything that a run of the experiment came to.
public struct SurvivalResult: Codable, Sendable {
  public static let schema = 1
  public static let fileName = "survival.json"
  public static let csvName = "survival.csv"

  public var schema = SurvivalResult.schema
  public var command: [String]
  public var fingerprint: Fingerprint
  public var plan: SurvivalPlan
  /// In the order of the plan: subjects, settings, trials.
  public var trials: [SurvivalTrial]

  public init(
    command: [String], fingerprint: Fingerprint, plan: SurvivalPlan, trials: [SurvivalTrial]
  ) {
    self.command = command
    self.fingerprint = fingerprint
    self.plan = plan
    self.trials = trials
  }

  public func trials(_ subject: String, _ setting: SurvivalSetting) -> [SurvivalTrial] {
    trials.filter { $0.subject == subject && $0.setting == setting.name }
  }

  /// Trials survived and tried, in the settings with or without a handler at every instruction.
  public func score(_ subject: String, step: Bool) -> (ok: Int, tried: Int) {
    let wanted = Set(plan.settings.filter { $0.isStep == step }.map(\.name))
    let own = trials.filter { $0.subject == subject && wanted.contains($0.setting) }
    return (own.count { $0.outcome == .ok }, own.count)
  }

  /// Why a subject is not here; `nil` iff it is.
  public func missing(_ subject: String) -> String? {
    let own = trials.filter { $0.subject == subject }
    guard let first = own.first(where: { $0.outcome == .unavailable }) else { return nil }
    return first.detail ?? "not available"
  }

  /// The median over the surviving trials of a handler's allocator time, in nanoseconds; `nil` iff
  /// none survived.
  public func cost(_ subject: String, _ setting: SurvivalSetting) -> UInt64? {
    let costs = trials(subject, setting).compactMap(\.handlerNanoseconds).sorted()
    return costs.isEmpty ? nil : costs[costs.count / 2]
  }

  /// The least time of malloc(64) and free over all trials, in nanoseconds; `nil` iff none came so
  /// far.  The least, because trials run two at a time.
  public func pairCost(_ subject: String) -> Double? {
    trials.filter { $0.subject == subject && $0.pairPicoseconds > 0 }
      .map { Double($0.pairPicoseconds) / 1000 }.min()
  }

  /// The setting by which subjects are compared in cost: the one with most calls per signal.
  public var costSetting: SurvivalSetting? {
    plan.settings.last { $0.handler == "burst" && $0.work == "mixed" }
  }

  /// Whether a subject promises to work in handlers, so that a death is a defect.
  public static func promises(_ subject: String) -> Bool {
    !subject.hasPrefix("peer:") && !["glibc", "jemalloc", "mimalloc", "tcmalloc"].contains(subject)
  }

  /// The cheapest subject that promises nothing and survived every trial of the settings without a
  /// handler at every instruction; `nil` iff there is none.
  public var survivingPeer: String? {
    let survivors = plan.subjects.filter { subject in
      let score = score(subject, step: false)
      return !Self.promises(subject) && score.tried > 0 && score.ok == score.tried
    }
    return survivors.min { (pairCost($0) ?? .infinity) < (pairCost($1) ?? .infinity) }
  }
}
