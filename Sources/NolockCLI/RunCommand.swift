import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measures the cells of a suite.",
    discussion: """
      Writes plan.json, samples.jsonl, result.json and result.csv into the output folder and \
      prints the table on stdout.  Ctrl-C leaves valid files; --resume goes on from them.

      'nolock run survival' is no suite: it finds out which allocator survives being called from \
      signal handlers, and takes -p subject=…, setting=…, trials=…, signals=…, and --jobs.  It \
      keeps every trial that ended, in survival.json.

      Example: nolock run quick -p subject=heap,glibc -p workload=batch -o results/local/try
      """)

  @Argument(help: "Name of a suite in Benchmarks/suites, or a path (default: quick).")
  var suite: String?

  @Option(
    name: .shortAndLong, parsing: .singleValue,
    help: .init(
      "Values of an axis; may be repeated.", valueName: "axis=a,b"))
  var parameter: [String] = []

  @Option(
    parsing: .singleValue,
    help: .init(
      "Counters around the measured part, by any name of libpfm4; 'default': the usual ones.",
      valueName: "a,b"))
  var counters: [String] = []

  @Flag(help: "At most 5 blocks: a look, not a result.")
  var quick = false

  @Flag(help: "Print the plan and stop.")
  var dryRun = false

  @Flag(help: "Go on with the interrupted run of the output folder.")
  var resume = false

  @Option(help: .init("Samples of every arm.", valueName: "n"))
  var blocks: Int?

  @Option(name: .shortAndLong, help: .init("Folder of the result files.", valueName: "dir"))
  var output: String?

  @Option(help: "text, json, csv or markdown.")
  var format = OutputFormat.text

  @Option(
    help: .init(
      "A sample that takes this long on top of its planned time is killed.", valueName: "seconds"))
  var sampleTimeout = 10.0

  @Option(
    help: .init(
      "Trials of survival at a time (default: 1; more disturb each other's times).",
      valueName: "n"))
  var jobs: Int?

  func run() throws {
    if resume && output == nil { throw Failure(.usage, "--resume needs the folder: -o DIR") }
    if suite == SurvivalRun.name { return try survive() }
    guard jobs == nil else {
      throw Failure(.usage, "--jobs found, allowed: with survival; samples run one at a time")
    }
    let signals = Signals()
    guard sampleTimeout > 0, sampleTimeout <= 86_400 else {
      throw Failure(.usage, "--sample-timeout '\(sampleTimeout)' found, allowed: above 0 to 86400")
    }
    if dryRun {
      try RunOutput.print(plan: try wanted(SampleTool.find), format)
      return
    }
    let tool = try SampleTool.find()
    var prepared = try prepare(tool)
    try InstrumentedSubjects.build(prepared.plan.cells.map(\.subject), signals: signals)
    try tool.checkFunctions(prepared.plan.cells)
    let terminal = Terminal()
    let directory = prepared.directory
    let inputs = try CellInputs(
      prepared.plan.cells, seed: prepared.plan.seed, slabinfo: prepared.plan.slabinfo,
      package: SuiteFinder.package)
    defer { inputs.removeScratch() }
    prepared.plan.slabinfo = inputs.slabinfo
    try RunFolder.prepare(directory)
    let runner = try Runner(
      prepared.plan, directory: directory, tool: tool, inputs: inputs, signals: signals,
      resumed: prepared.samples, graceSeconds: sampleTimeout, observer: terminal)
    try runner.run()
    terminal.clear()
    try finish(runner, directory)
  }

  private static let mostJobs = 64

  private func survive() throws {
    guard blocks == nil, counters.isEmpty else {
      throw Failure(.usage, "survival has no --blocks or --counters")
    }
    let jobs = jobs ?? 1
    guard (1...Self.mostJobs).contains(jobs) else {
      throw Failure(.usage, "--jobs '\(jobs)' found, allowed: 1…\(Self.mostJobs)")
    }
    var run = SurvivalRun(
      output: output, format: format, jobs: jobs, resume: resume,
      asks: quick || !parameter.isEmpty)
    if quick { run.plan.shorten() }
    for argument in parameter { try run.plan.override(argument) }
    try dryRun ? run.dryRun() : run.run()
  }

  /// Writes the files, prints the table, ends with the exit code.
  private func finish(_ runner: Runner, _ directory: String) throws {
    let result = RunResult(
      runner.plan, samples: runner.samples, run: (directory as NSString).lastPathComponent,
      interrupted: runner.interrupted)
    try ResultFiles.write(
      result, plan: runner.plan, samples: runner.samples, directory: directory)
    try RunOutput.print(result, runner.plan, runner.samples, format)
    Terminal.say("results in \(directory)")
    if result.interrupted {
      throw Failure(
        .interrupted, "interrupted; go on with: nolock run --resume -o \(directory)")
    }
    if result.hasFailures {
      let failed = result.cells.reduce(0) { $0 + $1.samplesFailed }
      throw Failure(
        .sampleFailed,
        "\(failed) sample\(failed == 1 ? "" : "s") failed, see \(directory)/samples.jsonl")
    }
    if !result.cells.contains(where: { $0.state == .ok }) {
      throw Failure(.void, "no cell could be run here, see the reasons above")
    }
  }

  /// The plan that the arguments ask for.
  private func wanted(_ find: () throws(Failure) -> SampleTool) throws -> Plan {
    let path = try SuiteFinder.find(suite ?? "quick")
    var suite = try Suite(path: path)
    for argument in parameter { try suite.override(argument) }
    if !counters.isEmpty {
      suite.counters = counters.flatMap {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      suite.countersPlace = "--counters"
    }
    if quick { suite.blocks = min(suite.blocks, 5) }
    if let blocks {
      guard (1...Suite.largestBlocks).contains(blocks) else {
        throw Failure(.usage, "--blocks '\(blocks)' found, allowed: 1…\(Suite.largestBlocks)")
      }
      suite.blocks = blocks
    }
    let fingerprint = Fingerprint.gather(
      nolock: executablePath(), sample: (try? find().path) ?? "nolock-sample", suite: path,
      traces: Plan.traces(try suite.cells()), package: SuiteFinder.package)
    return try Plan(suite, command: CommandLine.arguments, fingerprint: fingerprint)
  }

  private struct Prepared {
    var plan: Plan
    var samples: [Sample]
    var directory: String
  }

  /// The plan and where it is kept; every complaint about the arguments and the folder comes from
  /// here, before the first sample.
  private func prepare(_ tool: SampleTool) throws -> Prepared {
    if resume, let output {
      let plan = try Plan.read(directory: output)
      let asks =
        suite != nil || !parameter.isEmpty || blocks != nil || quick
        || !counters.isEmpty
      let programs = Fingerprint.programFacts(nolock: executablePath(), sample: tool.path)
      if programs != plan.fingerprint.programs {
        throw Failure(.void, "\(output): nolock or nolock-sample changed since that run began")
      }
      let traces = Fingerprint.traceFacts(
        Plan.traces(plan.cells), package: SuiteFinder.package)
      if traces.contains(where: { plan.fingerprint.code[$0.key] != $0.value }) {
        throw Failure(.void, "\(output): a trace changed since that run began")
      }
      if asks, try !wanted(SampleTool.find).sameWork(as: plan) {
        throw Failure(.usage, "\(output): holds another plan; --resume alone goes on with it")
      }
      let path = output + "/" + SampleLog.fileName
      let exists = FileManager.default.fileExists(atPath: path)
      return Prepared(
        plan: plan, samples: exists ? try SampleLog.read(directory: output) : [],
        directory: output)
    }
    let plan = try wanted(SampleTool.find)
    let directory = output ?? RunFolder.standard(suite: plan.suite)
    if FileManager.default.fileExists(atPath: directory + "/" + Plan.fileName) {
      throw Failure(.usage, "\(directory): holds a run; --resume goes on with it")
    }
    return Prepared(plan: plan, samples: [], directory: directory)
  }
}
