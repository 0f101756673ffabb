import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct SeriesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "series", abstract: "What every patch of a series costs, and which is to blame.",
    discussion: """
      Every patch is built and measured in the same blocks as all others, alone (against the patch \
      before it) and in sum (against the base).  With two mboxes the second version is matched \
      with the first by git range-diff and compared.  Ends with 2 where a patch makes a cell \
      slower, 3 where one does not apply, build or run a cell (it is left out of that cell alone).

      Example: nolock series main..topic
      Example: nolock series --mbox v2.mbox --mbox v3.mbox --base v1.0
      """)

  @Argument(help: "A range of commits: BASE..TIP.")
  var range: String?

  @Option(
    parsing: .singleValue, help: .init("A version of the series as mails.", valueName: "file"))
  var mbox: [String] = []

  @Option(help: .init("What the mails apply to (default: their base-commit).", valueName: "rev"))
  var base: String?

  @OptionGroup var compared: ComparedMetrics

  @OptionGroup var options: ComparisonOptions

  func run() throws {
    let signals = Signals()
    let metrics = try compared.metrics()
    let asked = options.resume ? nil : try self.asked()
    let session = try ComparisonSession(options, "series", signals)
    let kept = try session.resumed()
    guard let wanted = kept?.series ?? asked else {
      throw Failure(.usage, "\(session.directory): holds no series")
    }
    let repository = try Repository.find(signals: signals)
    var versions: [PatchSeries] = []
    if let range = wanted.range { versions.append(try PatchSeries(range: range, repository)) }
    for file in wanted.mboxes {
      versions.append(try PatchSeries(mbox: file, base: wanted.base, repository))
    }
    let builder = try SubjectBuilder(
      repository, design: wanted.design, layouts: wanted.layouts)
    let arms = try SeriesArms(versions, builder)
    let matches =
      versions.count == 2 ? try PatchMatch.find(versions[0], versions[1], repository) : []
    let pairs = arms.pairs(matches)
    let plan = try kept ?? planned(session, arms, pairs, versions, wanted, metrics)
    guard plan.arms == arms.arms, plan.pairs == pairs else {
      throw Failure(.usage, "\(session.directory): holds another series; name another folder")
    }
    let outcome = try measure(session, plan)
    let report = SeriesReporting(versions, arms, matches, outcome).report()
    try AtomicFile.write(json: report, to: session.directory + "/" + SeriesReport.fileName)
    try print(report)
    do {
      try session.check(outcome, verb: "series")
    } catch {
      // A regression goes before what failed and what is void, not before an interruption.
      guard !outcome.result.interrupted, !report.culprits.isEmpty else { throw error }
      Terminal.say("nolock: \(error.message)")
    }
    if !report.culprits.isEmpty { throw ExitCode(ExitStatus.regression.rawValue) }
    if report.hasProblems { throw ExitCode(ExitStatus.sampleFailed.rawValue) }
  }

  private func asked() throws(Failure) -> ComparisonPlan.Series {
    guard (range == nil) != mbox.isEmpty, mbox.count <= 2 else {
      throw Failure(.usage, "series: allowed: one BASE..TIP, or --mbox once or twice")
    }
    guard compared.metric.count <= 1 else {
      throw Failure(.usage, "series: --metric stands \(compared.metric.count) times, allowed: once")
    }
    let files = mbox.map { URL(fileURLWithPath: $0).path }
    return .init(
      range: range, mboxes: files, base: base, design: options.design, layouts: options.layouts)
  }

  private func planned(
    _ session: ComparisonSession, _ arms: SeriesArms, _ pairs: [ComparisonPlan.Pair],
    _ versions: [PatchSeries], _ wanted: ComparisonPlan.Series,
    _ metrics: [ComparisonPlan.Metric]
  ) throws(Failure) -> ComparisonPlan {
    let (cells, suite) = try options.cells()
    var plan = try session.plan(
      title: "series " + versions.map(\.name).joined(separator: ", "), arms: arms.arms,
      pairs: pairs,
      cells: cells.map { .init($0, metrics: metrics, dilations: arms.arms.map { _ in 0 }) },
      suite: suite, layoutSeeds: options.layouts > 1 ? Array(1...options.layouts) : [])
    plan.series = wanted
    return plan
  }

  private func measure(_ session: ComparisonSession, _ plan: ComparisonPlan) throws(Failure)
    -> ComparisonSession.Outcome
  {
    // Every patch builds to the same bytes: nothing to measure.
    if plan.pairs.isEmpty {
      let result = ComparisonReport(plan, samples: [], interrupted: false)
      return .init(plan: plan, samples: [], result: result)
    }
    return try session.run(plan)
  }

  private func print(_ report: SeriesReport) throws(Failure) {
    let tables = SeriesTables.tables(report)
    switch options.format {
    case .text: RunOutput.write(TextReport.render(tables))
    case .markdown: RunOutput.write(MarkdownReport.render(tables))
    case .csv: for table in tables { RunOutput.write(CSVReport.render(table)) }
    case .json: RunOutput.write(String(decoding: try jsonData(report), as: UTF8.self))
    }
  }
}
