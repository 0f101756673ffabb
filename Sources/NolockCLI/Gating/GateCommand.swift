import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate", abstract: "The verdict for CI: is the new code within the limits?",
    discussion: """
      Four arms in every block: the base, the new code, a copy of the base in another layout and \
      the base slowed by twice the limit.  Green only where the copy is seen as equal and the \
      slowed one as too slow.

      Exit codes: 0 pass, 2 regression, 3 a build or sample failed, 4 improvement (only with \
      --fail-on-improvement), 5 baseline or revision not found, 7 inconclusive, 8 void.  With \
      --bisect: 0 good, 1 bad, 125 skip, 128 stop.

      Example: nolock gate --against main --summary summary.md --junit gate.xml
      """)

  @Option(help: .init("A baseline, a git revision or a baseline's folder.", valueName: "base"))
  var against: String?

  @Option(help: .init("The code to judge: a revision, '.' or rev:FILE.so.", valueName: "new"))
  var new = "."

  @Option(help: .init("Limits (default: Benchmarks/limits.yaml).", valueName: "file"))
  var limits: String?

  @Flag(help: "Exit codes for git bisect run.")
  var bisect = false

  @Flag(help: "An improvement beyond the limit ends with 4.")
  var failOnImprovement = false

  @Flag(help: "Measure although both builds are identical.")
  var measureIdentical = false

  @Option(
    parsing: .singleValue,
    help: .init("A field of the baseline's machine that may differ.", valueName: "field"))
  var allow: [String] = []

  @Option(help: .init("Append the report as Markdown ($GITHUB_STEP_SUMMARY).", valueName: "file"))
  var summary: String?

  @Option(help: .init("Write the report as JUnit XML.", valueName: "file"))
  var junit: String?

  @Flag(help: "GitHub annotations on stderr (default where GITHUB_ACTIONS is true).")
  var github = false

  @OptionGroup var options: ComparisonOptions

  func run() throws {
    do {
      let status = try gate()
      if status != .ok { throw ExitCode(bisect ? Self.bisected(status) : status.rawValue) }
    } catch let failure as Failure where bisect {
      Terminal.say("nolock: \(failure.message)")
      throw ExitCode(Self.bisected(failure.status))
    }
  }

  /// git bisect run reads 1–127 as bad, 125 as skip, 128 and above as stop.
  static func bisected(_ status: ExitStatus) -> Int32 {
    switch status {
    case .ok, .improvement: 0
    case .regression: 1
    case .sampleFailed, .inconclusive, .void: 125
    case .internalError, .notFound, .notPermitted, .usage, .interrupted: 128
    }
  }

  private func gate() throws -> ExitStatus {
    let signals = Signals()
    let session: ComparisonSession
    let report: GateReport
    if options.resume {
      // All that was asked for is in the plan.
      session = try ComparisonSession(options, "gate", signals)
      guard let plan = try session.resumed(), let gate = plan.gate else {
        throw Failure(.usage, "\(session.directory): holds no gate")
      }
      report = try measured(session, plan, gate)
    } else {
      guard let against else {
        throw Failure(.usage, "gate: --against is missing, allowed: a baseline, revision or folder")
      }
      let limits = try Limits(path: limitsPath())
      let resolver = GateArms(options: options, signals: signals, allow: allow)
      let base = try resolver.base(against)
      session = try ComparisonSession(options, "gate", signals)
      let gate = ComparisonPlan.Gate(against: against, new: self.new)
      let new = try resolver.new(self.new, scratch: session.directory)
      let (cells, suite) = try gated(limits)
      if !measureIdentical, try ArmResolver.distinct([base, new]).arms.count == 1 {
        report = GateReport(
          against: against, new: self.new, lines: cells.flatMap(GateReport.Line.identical))
      } else {
        let copy = try GateArms.copy(base, into: session.directory)
        var plant = base
        plant.name = "plant"
        var named = base
        named.name = "base"
        var fresh = new
        fresh.name = "new"
        var plan = try session.plan(
          title: "\(self.new) against \(against)", arms: [named, fresh, copy, plant],
          pairs: [
            .init(arm: 1, base: 0, role: .new), .init(arm: 2, base: 0, role: .copy),
            .init(arm: 3, base: 0, role: .plant),
          ],
          cells: cells, suite: suite,
          layoutSeeds: options.layouts > 1 ? Array(1...options.layouts) : [])
        plan.gate = gate
        report = try measured(session, plan, gate)
      }
    }
    try publish(report, session.directory)
    return report.status(failOnImprovement: failOnImprovement)
  }

  private func measured(
    _ session: ComparisonSession, _ plan: ComparisonPlan, _ gate: ComparisonPlan.Gate
  ) throws(Failure) -> GateReport {
    let outcome = try session.run(plan)
    if outcome.result.interrupted {
      throw Failure(
        .interrupted,
        "interrupted; go on with: nolock gate --resume -o \(session.directory)")
    }
    var report = GateReport(
      against: gate.against, new: gate.new,
      lines: GateReport.lines(outcome.plan, samples: outcome.samples))
    report.notes = outcome.result.notes
    return report
  }

  private func limitsPath() -> String {
    if let limits { return limits }
    let usual = "Benchmarks/limits.yaml"
    if FileManager.default.fileExists(atPath: usual) { return usual }
    return (SuiteFinder.package ?? ".") + "/" + usual
  }

  /// The cells with a limit, and the suite's path.
  ///
  /// - Throws: `void` where a limit matches no cell.
  private func gated(_ limits: Limits) throws(Failure) -> (
    cells: [ComparisonPlan.CellPlan], suite: String
  ) {
    var chosen = options
    if chosen.suite == "compare" { chosen.suite = limits.suite }
    let (cells, suite) = try chosen.cells()
    for rule in limits.rules where !cells.contains(where: { rule.matches($0.pattern) }) {
      throw Failure(
        .void, "limits \(limits.file):\(rule.line): '\(rule.cells)' matches no cell of \(suite)")
    }
    var plans: [ComparisonPlan.CellPlan] = []
    for cell in cells {
      var metrics: [ComparisonPlan.Metric] = []
      for rule in limits.rules where !rule.exact && rule.matches(cell.pattern) {
        metrics.removeAll { $0.name == rule.metric }
        metrics.append(
          .init(
            name: rule.metric, limit: rule.hard ?? rule.soft ?? 0,
            isSoft: rule.hard == nil && rule.soft != nil,
            soft: rule.hard == nil ? nil : rule.soft, absolute: rule.absolute))
      }
      var counts: [String] = []
      for rule in limits.rules where rule.exact && rule.matches(cell.pattern) {
        if !counts.contains(rule.metric) { counts.append(rule.metric) }
      }
      guard !metrics.isEmpty || !counts.isEmpty else { continue }
      var planned = ComparisonPlan.CellPlan(
        cell, metrics: metrics, counts: counts, dilations: [0, 0, 0, 0])
      planned.dilations[3] = planned.plantedShare
      plans.append(planned)
    }
    return (plans, suite)
  }

  private func publish(_ report: GateReport, _ directory: String) throws(Failure) {
    try AtomicFile.write(json: report, to: directory + "/" + GateReport.fileName)
    let table = GateReports.table(report)
    if let summary { try append(MarkdownReport.render([table]) + "\n", to: summary) }
    if let junit { try AtomicFile.write(GateReports.junit(report), to: junit) }
    if github || ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true" {
      for line in GateReports.annotations(report) { Terminal.say(line) }
    }
    try RunOutput.print(table, json: report, options.format)
    Terminal.say("results in \(directory)")
  }

  private func append(_ text: String, to path: String) throws(Failure) {
    let old = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    try AtomicFile.write(old + text, to: path)
  }
}
