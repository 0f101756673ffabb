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
  /// Trials at a time.
  var jobs = 1
  /// Go on with the folder's run; `asks`: and `plan` must be its plan.
  var resume = false
  var asks = false

  /// Prints what would be tried.
  func dryRun() throws {
    let rows = plan.settings.map { setting in
      [
        setting.name, "\(plan.trials)", "\(plan.signals(setting))",
        plan.subjects.joined(separator: ", "),
      ]
    }
    let table = Table(
      title: "survival: \(plan.tasks.count) trials",
      columns: [
        .init("setting", .left), .init("trials"), .init("signals"), .init("subjects", .left),
      ], rows: rows)
    try RunOutput.print(table, json: plan, format)
  }

  /// - Throws: `sampleFailed` where a subject that promises to survive did not; `void` where
  ///   nothing could be tried; `interrupted`, and how to go on.
  func run() throws {
    let signals = Signals()
    let tool = try SampleTool.find()
    let directory = output ?? RunFolder.standard(suite: Self.name)
    let earlier = try earlier(directory)
    let plan = earlier?.plan ?? plan
    try InstrumentedSubjects.build(plan.subjects, signals: signals)
    let now = fingerprint(tool, plan)
    if let earlier { try check(earlier.fingerprint, now, directory) }
    try RunFolder.prepare(directory)
    let trials = SurvivalTrials(
      earlier
        ?? SurvivalResult(command: CommandLine.arguments, fingerprint: now, plan: plan),
      directory: directory, tool: tool, signals: signals)
    try trials.run(jobs: jobs)
    let result = trials.result
    let table = CSVReport.render(SurvivalTables.trials(result))
    try AtomicFile.write(table, to: directory + "/" + SurvivalResult.csvName)
    switch format {
    case .csv: RunOutput.write(table)
    default: try RunOutput.print(SurvivalTables.summary(result), json: result, format)
    }
    Terminal.say("results in \(directory)")
    if result.interrupted {
      throw Failure(
        .interrupted,
        "interrupted with \(result.trials.count) of \(plan.tasks.count) trials kept; go on with: "
          + "nolock run \(Self.name) --resume -o \(directory)")
    }
    try judge(result)
  }

  /// The run that `--resume` goes on with; `nil` without it.
  private func earlier(_ directory: String) throws(Failure) -> SurvivalResult? {
    let path = directory + "/" + SurvivalResult.fileName
    guard resume else {
      if FileManager.default.fileExists(atPath: path) {
        throw Failure(.usage, "\(directory): holds a run of survival; --resume goes on with it")
      }
      return nil
    }
    let earlier = try SurvivalResult.read(directory: directory)
    if asks, let difference = earlier.plan.difference(from: plan) {
      throw Failure(
        .usage,
        "\(directory): holds another plan (\(difference)); --resume alone goes on with it")
    }
    return earlier
  }

  /// Of the machine, the programs, and every subject that is a file.
  private func fingerprint(_ tool: SampleTool, _ plan: SurvivalPlan) -> Fingerprint {
    var found = Fingerprint.gather(
      nolock: executablePath(), sample: tool.path, suite: executablePath(), traces: [],
      package: SuiteFinder.package)
    for subject in plan.subjects {
      let object = Cell(subject: subject, workload: .pair, mix: "").nameAndObject.object
      if !object.isEmpty { found.code["sha256 of \(subject)"] = Fingerprint.hash(ofFile: object) }
    }
    return found
  }

  /// - Throws: `void` where trials of now would not be trials of the same.
  private func check(
    _ then: Fingerprint, _ now: Fingerprint, _ directory: String
  ) throws(Failure) {
    if then.programs != now.programs {
      throw Failure(.void, "\(directory): nolock or nolock-sample changed since that run began")
    }
    for (name, fact) in now.code where name.hasPrefix("sha256 of ") && then.code[name] != fact {
      let subject = name.dropFirst("sha256 of ".count)
      throw Failure(.void, "\(directory): \(subject) changed since that run began")
    }
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
