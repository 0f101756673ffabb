/// What calls cost in this run.
extension SurvivalResult {
  /// The most trials that ran at a time; above 1 no time is one of an undisturbed call.
  public var sideBySide: Int { trials.map(\.sideBySide).max() ?? 1 }

  /// The median over the surviving trials of a handler's allocator time, in nanoseconds; `nil` iff
  /// none survived.
  public func cost(_ subject: String, _ setting: SurvivalSetting) -> UInt64? {
    let costs = trials(subject, setting).compactMap(\.handlerNanoseconds).sorted()
    return costs.isEmpty ? nil : costs[costs.count / 2]
  }

  /// The least time of malloc(64) and free over all trials, in nanoseconds; `nil` iff none came so
  /// far.  The least, because others use the machine too.
  public func pairCost(_ subject: String) -> Double? {
    trials.filter { $0.subject == subject && $0.pairPicoseconds > 0 }
      .map { Double($0.pairPicoseconds) / 1000 }.min()
  }

  /// The setting by which subjects are compared in cost: the one with most calls per signal.
  public var costSetting: SurvivalSetting? {
    plan.settings.last { $0.handler == "burst" && $0.work == "mixed" }
  }

  /// The subjects that promise nothing and survived every trial of the settings without a handler at
  /// every instruction, the cheapest first.
  public var survivingPeers: [String] {
    let planned = plan.trials * plan.settings.count { !$0.isStep }
    let survivors = plan.subjects.filter { subject in
      !Self.promises(subject) && planned > 0 && score(subject, step: false).ok == planned
    }
    return survivors.sorted { (pairCost($0) ?? .infinity) < (pairCost($1) ?? .infinity) }
  }
}
