import ArgumentParser
import Foundation
import Measurement
import Reports
import Revisions

struct AtlasCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "atlas",
    abstract: "Interrupts an operation at every instruction, and bounds what handlers met.",
    discussion: """
      At each boundary a handler allocates, and another frees, in exactly the state that the \
      operation left.  Counts are exact and need no PMU.  With --max-instructions it is a gate: \
      exit code 2 where a handler's call took more.  'nolock atlas list' shows the states.

      Example: nolock atlas kmalloc_nolock --subject sheaves --state slab-cas
      """)

  @Argument(help: "kmalloc, kmalloc_nolock, kfree, kfree_nolock, or list.")
  var operation: String?

  @Option(
    help: "Any design, also DESIGN+lockdep and DESIGN+probes, or rev:PATH; decides the states.")
  var subject = "sheaves"
  @Option(help: .init("A state of the operation (default: each).", valueName: "name"))
  var state: String?
  @Flag(help: "Every operation in every state.") var all = false
  @Flag(help: "Only the operation's own instructions.") var countOnly = false
  @Flag(help: "Every round of every loop, the handler stepped at each (says its estimate first).")
  var exhaustive = false
  @Flag(help: "A fresh state for each boundary (says its estimate first).") var quadratic = false
  @Option(help: .init("Bytes asked for, 1…8192.", valueName: "bytes")) var size = 64
  @Option(help: .init("Exit code 2 if a handler's call takes more.", valueName: "n"))
  var maxInstructions: Int?
  @Option(help: .init("States at once (default: processors).", valueName: "n")) var jobs: Int?
  @Option(help: "text, json, csv or markdown.") var format = OutputFormat.text

  func run() throws {
    let signals = Signals()
    guard Subjects.isValid(subject) else {
      throw Failure(.usage, "--subject '\(subject)' found, allowed: \(Subjects.allowed)")
    }
    try InstrumentedSubjects.build([subject], signals: signals)
    let tool = try SampleTool.find()
    let states = try tool.atlasStates(subject)
    if operation == "list" { return try list(states) }
    let wanted = try choose(states)
    guard (1...8192).contains(size) else {
      throw Failure(.usage, "--size '\(size)' found, allowed: 1…8192")
    }
    guard [countOnly, exhaustive, quadratic].count(where: { $0 }) <= 1 else {
      throw Failure(.usage, "--count-only, --exhaustive and --quadratic exclude each other")
    }
    let mode: AtlasMode =
      countOnly ? .count : exhaustive ? .exhaustive : quadratic ? .quadratic : .linear
    if exhaustive || quadratic { try sayEstimate(tool, wanted, mode, signals) }
    var results = try measure(tool, wanted, mode, signals)
    if let reason = addPlaces(to: &results), mode != .count { Terminal.say(reason) }
    try show(results, one: wanted.count == 1 && !countOnly)
    try judge(results)
  }

  private func choose(_ states: [AtlasState]) throws -> [AtlasState] {
    if all {
      guard operation == nil, state == nil else {
        throw Failure(.usage, "--all found with an operation or state, allowed: one of them")
      }
      return states
    }
    let operations = states.map(\.operation).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    guard let operation, operations.contains(operation) else {
      throw Failure(
        .usage,
        "operation '\(operation ?? "")' found, allowed: \(operations.joined(separator: ", ")), "
          + "list, or --all")
    }
    let own = states.filter { $0.operation == operation }
    guard let state else { return own }
    guard let found = own.first(where: { $0.name == state }) else {
      let names = own.map(\.name).joined(separator: ", ")
      throw Failure(.usage, "--state '\(state)' found, allowed for \(operation): \(names)")
    }
    return [found]
  }

  private func measure(
    _ tool: SampleTool, _ states: [AtlasState], _ mode: AtlasMode, _ signals: Signals
  ) throws -> [AtlasResult] {
    let (subject, size) = (subject, size)
    return try each(states) { state throws(Failure) in
      try tool.atlas(subject: subject, state, size: size, mode: mode, signals: signals)
    }
  }

  private func sayEstimate(
    _ tool: SampleTool, _ states: [AtlasState], _ mode: AtlasMode, _ signals: Signals
  ) throws {
    let (subject, size) = (subject, size)
    let found = try each(states) { state throws(Failure) in
      try tool.atlasEstimate(subject: subject, state, size: size, mode: mode, signals: signals)
    }.compactMap { $0 }
    let seconds = found.reduce(0) { $0 + $1.seconds } / Double(width(states.count))
    let boundaries = found.reduce(0) { $0 + $1.boundaries }
    Terminal.say(
      "\(mode.rawValue): \(boundaries) boundaries in \(found.count) states, about "
        + "\(Int(seconds.rounded(.up))) s")
  }

  private func width(_ count: Int) -> Int {
    max(1, min(jobs ?? ProcessInfo.processInfo.activeProcessorCount, count))
  }

  /// Several processes at a time; counts do not mind what else runs.
  private func each<T: Sendable>(
    _ states: [AtlasState], _ body: @Sendable (AtlasState) throws(Failure) -> T
  ) throws -> [T] {
    let board = WorkBoard<T>(count: states.count)
    DispatchQueue.concurrentPerform(iterations: width(states.count)) { _ in
      while let index = board.next() {
        do throws(Failure) {
          board.put(try body(states[index]), index)
        } catch {
          board.fail(error)
        }
      }
    }
    return try board.results()
  }

  private func list(_ states: [AtlasState]) throws {
    let table = Table(
      title: "atlas states",
      columns: [.init("operation", .left), .init("state", .left), .init("what", .left)],
      rows: states.map { [$0.operation, $0.name, $0.summary] })
    try RunOutput.print(table, json: states, format)
  }

  private func show(_ results: [AtlasResult], one: Bool) throws {
    switch format {
    case .text, .markdown:
      let table =
        one && results[0].reason == nil
        ? AtlasTables.runs(results[0]) : AtlasTables.summary(results)
      try RunOutput.print(table, json: results, format)
    case .json: try RunOutput.print(AtlasTables.summary(results), json: results, .json)
    case .csv:
      let table = countOnly ? AtlasTables.summary(results) : AtlasTables.boundaries(results)
      try RunOutput.print(table, json: results, .csv)
    }
  }

  private func judge(_ results: [AtlasResult]) throws {
    let defects = results.filter { ($0.bound?.defects ?? 0) > 0 }
    if let worst = defects.first {
      throw Failure(
        .sampleFailed,
        "\(worst.operation)/\(worst.state): \(worst.bound?.text ?? ""); "
          + "the first: \(worst.firstDefect ?? "")")
    }
    if let limit = maxInstructions {
      for result in results {
        let most = countOnly ? result.instructions : result.bound?.instructions ?? 0
        if most > limit {
          throw Failure(
            .regression,
            "\(result.operation)/\(result.state): \(most) instructions, allowed: \(limit)")
        }
      }
    }
    let missing = results.filter { $0.reason != nil }
    guard missing.isEmpty else {
      let reason = missing[0].reason ?? ""
      if missing.count == results.count { throw Failure(.void, reason) }
      throw Failure(.sampleFailed, "\(missing.count) states were not done, the first: \(reason)")
    }
  }
}
