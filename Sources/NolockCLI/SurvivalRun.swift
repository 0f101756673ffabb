import Foundation
import Measurement
import Reports
import Revisions

/// `nolock run survival`: who survives being called from a signal handler.  Not a suite: trials
/// end, or die, and are counted; nothing is compared block by block.
struct SurvivalRun {
  static let name = "survival"
  var plan = SurvivalPlan()
  var output: String?
  var format: OutputFormat

  /// Prints what would be tried.
  func dryRun() throws {
    let rows = plan.settings.map { setting in
      [
        setting.name, "\(plan.trials)", "\(plan.signals ?? setting.defaultSignals)",
        plan.subjects.joined(separator: ", "),
      ]
    }
    let table = Table(
      title: "survival: \(plan.subjects.count * plan.settings.count * plan.trials) trials",
      columns: [
        .init("setting", .left), .init("trials"), .init("signals"), .init("subjects", .left),
      ], rows: rows)
    try RunOutput.print(table, json: plan, format)
  }

  /// - Throws: `sampleFailed` where a subject that promises to survive did not; `void` where
  ///   nothing could be tried.
  func run() throws {
    let signals = Signals()
    let tool = try SampleTool.find()
    let directory = output ?? RunFolder.standard(suite: Self.name)
    if FileManager.default.fileExists(atPath: directory + "/" + SurvivalResult.fileName) {
      throw Failure(.usage, "\(directory): holds a run of survival, allowed: another folder")
    }
    try InstrumentedSubjects.build(plan.subjects, signals: signals)
    try RunFolder.prepare(directory)
    let fingerprint = Fingerprint.gather(
      nolock: executablePath(), sample: tool.path, suite: executablePath(), traces: [],
      package: SuiteFinder.package)
    let result = SurvivalResult(
      command: CommandLine.arguments, fingerprint: fingerprint, plan: plan,
      trials: try trials(tool, signals))
    try AtomicFile.write(json: result, to: directory + "/" + SurvivalResult.fileName)
    try AtomicFile.write(
      CSVReport.render(SurvivalTables.trials(result)),
      to: directory + "/" + SurvivalResult.csvName)
    switch format {
    case .csv: RunOutput.write(CSVReport.render(SurvivalTables.trials(result)))
    default: try RunOutput.print(SurvivalTables.summary(result), json: result, format)
    }
    Terminal.say("results in \(directory)")
    try judge(result)
  }

  /// All trials, as many at a time as there are processors.
  private func trials(_ tool: SampleTool, _ signals: Signals) throws -> [SurvivalTrial] {
    var tasks: [(subject: String, setting: SurvivalSetting, trial: Int)] = []
    for subject in plan.subjects {
      for setting in plan.settings {
        for trial in 0..<plan.trials { tasks.append((subject, setting, trial)) }
      }
    }
    let work = tasks
    let board = WorkBoard<SurvivalTrial>(count: work.count)
    let plan = plan
    // Used under the board's lock only.
    nonisolated(unsafe) let terminal = Terminal()
    let width = max(1, min(ProcessInfo.processInfo.activeProcessorCount, work.count))
    DispatchQueue.concurrentPerform(iterations: width) { _ in
      while let index = board.next() {
        let (subject, setting, trial) = work[index]
        do throws(Failure) {
          board.put(
            try tool.survive(
              subject: subject, setting, trial: trial,
              signals: plan.signals ?? setting.defaultSignals, seed: plan.seed, signals: signals),
            index)
          board.locked {
            unsafe terminal.progress(
              done: board.doneCount, total: work.count, cell: "\(subject) \(setting.name)")
          }
        } catch {
          board.fail(error)
        }
      }
    }
    unsafe terminal.clear()
    return try board.results()
  }

  private func judge(_ result: SurvivalResult) throws(Failure) {
    let tried = result.trials.filter { $0.outcome != .unavailable }
    guard !tried.isEmpty else {
      throw Failure(.void, "no trial could be run here: \(result.trials.first?.detail ?? "")")
    }
    if let dead = tried.first(where: {
      SurvivalResult.promises($0.subject) && $0.outcome != .ok
    }) {
      throw Failure(
        .sampleFailed,
        "\(dead.subject) promises to survive: \(dead.setting) trial \(dead.trial): "
          + "\(dead.outcome.rawValue) after \(dead.signals) signals")
    }
    if let failed = tried.first(where: { $0.outcome == .failed || $0.outcome == .timeout }) {
      throw Failure(
        .sampleFailed,
        "\(failed.subject) \(failed.setting) trial \(failed.trial): \(failed.detail ?? "timeout")")
    }
  }
}

/// What workers share: the next piece of work, the results in their order, the first failure.
final class WorkBoard<Result>: @unchecked Sendable {
  private let lock = NSLock()
  private var taken = 0
  private var done: [Result?]
  private var failure: Failure?

  init(count: Int) { done = Array(repeating: nil, count: count) }

  /// `nil` iff nothing is left or a piece failed.
  func next() -> Int? {
    lock.withLock {
      guard failure == nil, taken < done.count else { return nil }
      taken += 1
      return taken - 1
    }
  }
  func put(_ result: Result, _ index: Int) { lock.withLock { done[index] = result } }
  func fail(_ error: Failure) { lock.withLock { failure = failure ?? error } }
  /// Pieces done.  Context: inside `locked`.
  var doneCount: Int { done.count { $0 != nil } }
  func locked(_ body: () -> Void) { lock.withLock(body) }
  /// - Throws: the first failure.
  func results() throws -> [Result] {
    if let failure { throw failure }
    return done.compactMap { $0 }
  }
}
