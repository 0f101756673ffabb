import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct BaselineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline", abstract: "Keeps a revision's objects and numbers under a name.",
    discussion: """
      Stored in results/baselines (NOLOCK_BASELINES names another folder).

      Example: nolock baseline save v1 --from v1.0
      """,
    subcommands: [Save.self, List.self, Show.self, Delete.self])

  struct Save: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Builds and measures a revision, or takes the arm of a result folder.",
      discussion: "Example: nolock baseline save main --from main")

    @Argument(help: "Name of the baseline.")
    var name: String

    @Argument(help: "Folder of a compare whose --from arm is taken; none: build and measure.")
    var directory: String?

    @Option(help: "A revision, '.' or rev:FILE.so; with a folder the arm's name.")
    var from = "."

    @Flag(help: "Replace a baseline of that name.")
    var force = false

    @OptionGroup var options: ComparisonOptions

    func run() throws {
      let signals = Signals()
      guard BaselineStore.isValid(name) else {
        throw Failure(.usage, "baseline '\(name)' found, allowed: letters, digits, . _ -")
      }
      let store = BaselineStore()
      if !force, try store.find(name) != nil {
        throw Failure(.usage, "baseline '\(name)' exists; --force replaces it")
      }
      let outcome = try directory.map(stored) ?? measured(signals)
      try BaselineSaving.save(
        name, arm: outcome.arm, from: from, design: options.design, plan: outcome.plan,
        samples: outcome.samples, store: store)
      Terminal.say("saved \(store.folder(name))")
    }

    private typealias Outcome = (arm: Int, plan: ComparisonPlan, samples: [Sample])

    private func stored(_ directory: String) throws -> Outcome {
      let plan = try ComparisonPlan.read(directory: directory)
      let wanted = plan.arms.firstIndex { $0.name == from } ?? (from == "." ? 0 : nil)
      guard let arm = wanted else {
        let names = plan.arms.map(\.name).joined(separator: ", ")
        throw Failure(.notFound, "\(directory): no arm '\(from)', allowed: \(names)")
      }
      return (arm, plan, try SampleLog.read(directory: directory))
    }

    private func measured(_ signals: Signals) throws -> Outcome {
      let session = try ComparisonSession(options, "baseline", signals)
      let arm = try GateArms(options: options, signals: signals, allow: [])
        .new(from, scratch: session.directory)
      let (cells, suite) = try options.cells()
      var plan = try session.plan(
        title: "baseline \(name)", arms: [arm], pairs: [],
        cells: cells.map {
          .init($0, metrics: [.init(name: "ns_per_op", limit: 0.02)], dilations: [0])
        },
        suite: suite, layoutSeeds: options.layouts > 1 ? Array(1...options.layouts) : [])
      plan.largestBlocks = min(options.blocks ?? 10, 15)
      let outcome = try session.run(plan)
      try session.check(outcome, verb: "baseline save")
      return (0, outcome.plan, outcome.samples)
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Names, ages and sources.", discussion: "Example: nolock baseline list")

    @Option(help: "text, json, csv or markdown.")
    var format = OutputFormat.text

    func run() throws {
      let all = try BaselineStore().all()
      let table = Table(
        title: "baselines",
        columns: ["name", "age", "from", "commit", "design", "layouts"].map { .init($0, .left) },
        rows: all.map { baseline in
          let age = max(0, Date().timeIntervalSince1970 - baseline.savedAt)
          return [
            baseline.name, age < 172_800 ? "\(Int(age / 3600)) h" : "\(Int(age / 86400)) d",
            baseline.source, String((baseline.commit ?? "–").prefix(12)), baseline.design,
            "\(baseline.objects.count)",
          ]
        })
      try RunOutput.print(table, json: all, format)
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The numbers and the machine.", discussion: "Example: nolock baseline show v1")

    @Argument(help: "Name of the baseline.")
    var name: String

    @Option(help: "text, json, csv or markdown.")
    var format = OutputFormat.text

    func run() throws {
      guard let baseline = try BaselineStore().find(name) else { throw BaselineStore.missing(name) }
      let cpu = baseline.fingerprint.machine["cpu_model"]?.value ?? "unknown CPU"
      let table = Table(
        title: "\(baseline.name): \(baseline.source), \(baseline.design)", subtitle: cpu,
        columns: [.init("cell", .left), .init("ns/op")],
        rows: baseline.numbers.sorted { $0.key < $1.key }.map {
          [$0.key, String(format: "%.3f", $0.value)]
        },
        notes: ["stored times are shown, never gated: the gate runs the objects again"])
      try RunOutput.print(table, json: baseline, format)
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes a baseline.", discussion: "Example: nolock baseline delete v1")

    @Argument(help: "Name of the baseline.")
    var name: String

    func run() throws {
      let store = BaselineStore()
      guard BaselineStore.isValid(name),
        FileManager.default.fileExists(atPath: store.folder(name) + "/" + Baseline.fileName)
      else { throw BaselineStore.missing(name) }
      do {
        try FileManager.default.removeItem(atPath: store.folder(name))
      } catch {
        throw Failure(.notPermitted, "\(store.folder(name)): \(error.localizedDescription)")
      }
    }
  }
}
