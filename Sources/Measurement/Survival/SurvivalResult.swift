import Foundation

/// Everything that a run of the experiment came to so far.  Its file is replaced after every trial,
/// so that a run that is interrupted or killed has kept what it finished.
public struct SurvivalResult: Codable, Sendable {
  public static let schema = 2
  public static let fileName = "survival.json"
  public static let csvName = "survival.csv"

  public var schema = SurvivalResult.schema
  public var command: [String]
  public var fingerprint: Fingerprint
  public var plan: SurvivalPlan
  /// Trials of the plan are not here: the run goes on, or was ended.
  public private(set) var interrupted: Bool
  /// In the order of the plan: subjects, settings, trials.
  public private(set) var trials: [SurvivalTrial]

  /// Before the first trial.
  public init(command: [String], fingerprint: Fingerprint, plan: SurvivalPlan) {
    self.command = command
    self.fingerprint = fingerprint
    self.plan = plan
    interrupted = true
    trials = []
  }

  /// Reads `survival.json`.
  ///
  /// - Throws: `notFound` where there is none, `usage` where it is not a result of this schema.
  public static func read(directory: String) throws(Failure) -> SurvivalResult {
    let path = directory + "/" + fileName
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read")
    }
    guard let result = try? JSONDecoder().decode(SurvivalResult.self, from: data),
      result.schema == schema
    else { throw Failure(.usage, "\(path): not a survival result of schema \(schema)") }
    return result
  }

  /// What is still to be tried, in the plan's order.
  public var remaining: [SurvivalPlan.Task] {
    let done = Set(trials.map { "\($0.subject) \($0.setting) \($0.trial)" })
    return plan.tasks.filter { !done.contains("\($0.subject) \($0.setting.name) \($0.trial)") }
  }

  /// Takes a finished trial, and puts it at its place.
  public mutating func add(_ trial: SurvivalTrial) {
    let names = plan.settings.map(\.name)
    func place(_ trial: SurvivalTrial) -> [Int] {
      [
        plan.subjects.firstIndex(of: trial.subject) ?? 0,
        names.firstIndex(of: trial.setting) ?? 0, trial.trial,
      ]
    }
    let own = place(trial)
    let index = trials.firstIndex { own.lexicographicallyPrecedes(place($0)) }
    trials.insert(trial, at: index ?? trials.endIndex)
    interrupted = trials.count < plan.tasks.count
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

  /// Whether a subject promises to work in handlers, so that a death is a defect.
  public static func promises(_ subject: String) -> Bool {
    !subject.hasPrefix("peer:")
      && !["floor", "glibc", "jemalloc", "mimalloc", "tcmalloc"].contains(subject)
  }
}
