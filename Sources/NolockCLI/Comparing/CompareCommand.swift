import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compares allocators, revisions or result folders.",
    discussion: """
      Subjects (sheaves, glibc, rev:FILE.so), baselines and git revisions ('.' is the working \
      tree) are measured side by side against the first one, in blocks of fresh random order, \
      until each cell is decided or its budget ends.  What cannot run a cell is left out of it (exit \
      code 3).  Result folders are compared as they are, where machine and harness match.

      Example: nolock compare HEAD~1 HEAD --budget 30s
      """)

  @Argument(help: "The base, then what is compared with it.")
  var names: [String] = []

  @OptionGroup var compared: ComparedMetrics

  @Option(
    parsing: .singleValue,
    help: .init("A field of the fingerprint that may differ (result folders).", valueName: "field"))
  var allow: [String] = []

  @Flag(help: "Measure builds that are identical too: what the noise alone does.")
  var measureIdentical = false

  @OptionGroup var options: ComparisonOptions

  func run() throws {
    let signals = Signals()
    let metrics = try compared.metrics()
    if !options.resume, names.count < 2 {
      throw Failure(.usage, "compare: \(names.count) names found, allowed: 2 and more")
    }
    let folders = names.filter {
      FileManager.default.fileExists(atPath: $0 + "/" + RunResult.fileName)
    }
    if !folders.isEmpty {
      guard folders.count == names.count else {
        throw Failure(.usage, "compare: result folders are compared with result folders only")
      }
      let result = try StoredComparison.result(
        folders, margin: metrics[0].limit, allowed: allow, command: CommandLine.arguments)
      try print(result)
      return
    }
    let session = try ComparisonSession(options, "compare", signals)
    let plan = try session.resumed() ?? planned(session, signals, metrics)
    let outcome = try session.run(plan)
    try print(outcome.result)
    try session.check(outcome, verb: "compare")
  }

  private func planned(
    _ session: ComparisonSession, _ signals: Signals, _ metrics: [ComparisonPlan.Metric]
  ) throws -> ComparisonPlan {
    let (cells, suite) = try options.cells()
    let resolver = ArmResolver(options: options, signals: signals, scratch: session.directory)
    guard Set(names).count == names.count else {
      throw Failure(.usage, "compare: a name stands twice")
    }
    let all = try names.map(resolver.arm)
    let (arms, equal) = measureIdentical ? (all, []) : try ArmResolver.distinct(all)
    var plan = try session.plan(
      title: "\(names.dropFirst().joined(separator: ", ")) against \(names[0])", arms: arms,
      pairs: arms.indices.dropFirst().map { .init(arm: $0, base: 0) },
      cells: cells.map {
        .init($0, metrics: metrics, dilations: arms.map { _ in 0 })
      },
      suite: suite, layoutSeeds: options.layouts > 1 ? Array(1...options.layouts) : [])
    plan.equal = equal
    return plan
  }

  private func print(_ result: ComparisonReport) throws(Failure) {
    try RunOutput.print(result, options.format)
  }
}

extension RunOutput {
  static func print(_ result: ComparisonReport, _ format: OutputFormat) throws(Failure) {
    switch format {
    case .csv: write(CSVReport.render(ComparisonTables.csv(result)))
    default: try print(ComparisonTables.table(result), json: result, format)
    }
  }
}
