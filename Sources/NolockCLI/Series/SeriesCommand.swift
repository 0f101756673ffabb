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
      slower, 3 where one does not apply or build.

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

  @Option(help: .init("Differences within it do not matter.", valueName: "share"))
  var margin = "2%"

  @OptionGroup var options: ComparisonOptions

  func run() throws {
    let signals = Signals()
    guard let margin = parseShare(margin) else {
      throw Failure(.usage, "--margin '\(self.margin)' found, allowed: above 0: 2%, 0.02")
    }
    guard (range == nil) != mbox.isEmpty, mbox.count <= 2 else {
      throw Failure(.usage, "series: allowed: one BASE..TIP, or --mbox once or twice")
    }
    let repository = try Repository.find(signals: signals)
    var versions: [PatchSeries] = []
    if let range { versions.append(try PatchSeries(range: range, repository)) }
    for file in mbox {
      versions.append(try PatchSeries(mbox: file, base: base, repository))
    }
    let builder = try SubjectBuilder(
      repository, design: options.design, layouts: options.layouts)
    let arms = try SeriesArms(versions, builder)
    let matches =
      versions.count == 2 ? try PatchMatch.find(versions[0], versions[1], repository) : []
    let session = try ComparisonSession(options, "series", signals)
    let outcome = try measure(session, arms, matches, versions, margin)
    let report = SeriesReporting(versions, arms, matches, outcome).report()
    try AtomicFile.write(json: report, to: session.directory + "/" + SeriesReport.fileName)
    try print(report)
    try session.check(outcome, verb: "series")
    if !report.culprits.isEmpty { throw ExitCode(ExitStatus.regression.rawValue) }
    if report.hasProblems { throw ExitCode(ExitStatus.sampleFailed.rawValue) }
  }

  private func measure(
    _ session: ComparisonSession, _ arms: SeriesArms, _ matches: [PatchMatch],
    _ versions: [PatchSeries], _ margin: Double
  ) throws(Failure) -> ComparisonSession.Outcome {
    let (cells, suite) = try options.cells()
    let pairs = arms.pairs(matches)
    let fresh = try session.plan(
      title: "series " + versions.map(\.name).joined(separator: ", "), arms: arms.arms,
      pairs: pairs,
      cells: cells.map {
        .init(
          $0, metrics: [.init(name: "ns_per_op", limit: margin)],
          dilations: arms.arms.map { _ in 0 })
      },
      suite: suite, layoutSeeds: options.layouts > 1 ? Array(1...options.layouts) : [])
    let kept = try session.resumed()
    let plan = kept ?? fresh
    guard plan.arms == arms.arms, plan.pairs == pairs else {
      throw Failure(.usage, "\(session.directory): holds another series; name another folder")
    }
    // Every patch builds to the same bytes: nothing to measure.
    if pairs.isEmpty {
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
