import Foundation
import Measurement
import Reports

/// Measures a comparison plan with its files: what compare, gate and series have in common.
struct ComparisonSession {
  let options: ComparisonOptions
  let signals: Signals
  let directory: String
  let tool: SampleTool

  init(_ options: ComparisonOptions, _ kind: String, _ signals: Signals) throws(Failure) {
    self.options = options
    self.signals = signals
    tool = try SampleTool.find()
    directory = options.output ?? RunFolder.standard(suite: kind)
    let plan = directory + "/" + ComparisonPlan.fileName
    if FileManager.default.fileExists(atPath: plan) && !options.resume {
      throw Failure(.usage, "\(directory): holds a comparison; --resume goes on with it")
    }
    try RunFolder.prepare(directory)
  }

  /// A plan of the options: cells × metrics of the arms given.
  func plan(
    title: String, arms: [Arm], pairs: [ComparisonPlan.Pair], cells: [ComparisonPlan.CellPlan],
    suite: String, layoutSeeds: [Int]
  ) throws(Failure) -> ComparisonPlan {
    let fingerprint = Fingerprint.gather(
      nolock: executablePath(), sample: tool.path, suite: suite,
      traces: Plan.traces(cells.map(\.cell)), package: SuiteFinder.package)
    return ComparisonPlan(
      title: title, arms: arms, pairs: pairs, cells: cells,
      seed: options.seed ?? UInt64.random(in: 0...UInt64(Int64.max)),
      budgetSeconds: try options.seconds(), largestBlocks: options.blocks,
      layoutSeeds: layoutSeeds, command: CommandLine.arguments, fingerprint: fingerprint)
  }

  /// The plan of the interrupted run that `--resume` names; `nil` without it.
  ///
  /// - Throws: `void` where the programs have changed since.
  func resumed() throws(Failure) -> ComparisonPlan? {
    guard options.resume else { return nil }
    let plan = try ComparisonPlan.read(directory: directory)
    let programs = Fingerprint.programFacts(nolock: executablePath(), sample: tool.path)
    guard programs == plan.fingerprint.programs else {
      throw Failure(.void, "\(directory): nolock or nolock-sample changed since that run began")
    }
    return plan
  }

  struct Outcome {
    var plan: ComparisonPlan
    var samples: [Sample]
    var result: ComparisonReport
  }

  /// Runs the plan and writes `comparison-result.json`.
  func run(_ plan: ComparisonPlan) throws(Failure) -> Outcome {
    var plan = plan
    let inputs = try CellInputs(
      plan.cells.map(\.cell), seed: plan.seed, slabinfo: plan.slabinfo,
      package: SuiteFinder.package)
    defer { inputs.removeScratch() }
    plan.slabinfo = inputs.slabinfo
    let log = directory + "/" + SampleLog.fileName
    let earlier =
      options.resume && FileManager.default.fileExists(atPath: log)
      ? try SampleLog.read(directory: directory) : []
    let terminal = Terminal()
    var samples = earlier
    var interrupted = false
    // Everything identical: nothing to measure.
    if plan.equal.isEmpty || plan.arms.count > 1 {
      let runner = try ComparisonRunner(
        plan, directory: directory, tool: tool, inputs: inputs, signals: signals,
        resumed: earlier, observer: terminal)
      try runner.run()
      terminal.clear()
      plan = runner.plan
      samples = runner.samples
      interrupted = runner.interrupted
    } else {
      try AtomicFile.write(json: plan, to: directory + "/" + ComparisonPlan.fileName)
    }
    let result = ComparisonReport(plan, samples: samples, interrupted: interrupted)
    try AtomicFile.write(json: result, to: directory + "/" + ComparisonReport.fileName)
    return Outcome(plan: plan, samples: samples, result: result)
  }

  /// What ends the command besides its verdicts.
  ///
  /// - Throws: `interrupted`, `void` where more than 2 % of the blocks were dropped, `sampleFailed`
  ///   where an arm could not run a cell.
  func check(_ outcome: Outcome, verb: String) throws(Failure) {
    Terminal.say("results in \(directory)")
    if outcome.result.interrupted {
      throw Failure(
        .interrupted, "interrupted; go on with: nolock \(verb) --resume -o \(directory)")
    }
    if outcome.result.isVoid {
      throw Failure(.void, "more than 2 % of the blocks were dropped, see \(directory)")
    }
    let broken = outcome.plan.failures
    if let first = broken.first {
      let more = broken.count > 1 ? " (and \(broken.count - 1) more)" : ""
      throw Failure(.sampleFailed, first + more)
    }
  }
}
