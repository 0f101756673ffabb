import ArgumentParser
import Events
import Measurement
import Reports
import Revisions

struct ListCommand: ParsableCommand {
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case subjects, workloads, mixes, suites, interrupts, counters, functions
  }

  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows what exists and what this machine can do.",
    discussion: """
      Counters are tried, not assumed.  Without a pattern those of this machine's PMUs are listed, \
      with one every event that libpfm4 knows.

      Example: nolock list counters zen4::retired
      """)

  @Argument(help: "subjects, workloads, mixes, suites, interrupts, counters or functions.")
  var kind: Kind

  @Argument(
    help:
      "counters: part of the name or the description; functions: the subject (default: sheaves).")
  var pattern: String?

  @Option(help: "text, json, csv or markdown.")
  var format = OutputFormat.text

  func run() throws {
    if kind == .counters { return try listCounters() }
    if kind == .functions { return try listFunctions(pattern ?? "sheaves") }
    if let pattern {
      throw Failure(.usage, "list \(kind.rawValue) '\(pattern)': a pattern is for counters")
    }
    let list: [Availability] =
      switch kind {
      case .subjects: try Availability.subjects()
      case .workloads: Availability.workloads()
      case .mixes: Availability.mixes()
      case .suites: Availability.suites()
      case .interrupts: Availability.interrupts()
      case .counters, .functions: []
      }
    let table = Table(
      title: kind.rawValue,
      columns: [.init("name", .left), .init("available", .left), .init("note", .left)],
      rows: list.map { [$0.name, $0.available ? "yes" : "no", $0.note] })
    try RunOutput.print(table, json: list, format)
  }

  /// What `irq: breakpoint` may name.
  private func listFunctions(_ subject: String) throws {
    guard Subjects.isValid(subject) else {
      throw Failure(
        .usage, "list functions '\(subject)': allowed: \(Subjects.allowed)")
    }
    try InstrumentedSubjects.build([subject], signals: nil)
    let names = try SampleTool.find().functions(of: subject)
    let table = Table(
      title: "functions of \(subject)", columns: [.init("name", .left)], rows: names.map { [$0] })
    try RunOutput.print(table, json: names, format)
  }

  private func listCounters() throws {
    let events = EventList.matching(pattern)
    if events.isEmpty {
      throw Failure(.notFound, "no counter's name or description holds '\(pattern ?? "")'")
    }
    var table = Table(
      title: "counters",
      columns: [
        .init("name", .left), .init("opens here", .left), .init("reason", .left),
        .init("description", .left),
      ],
      rows: events.map { [$0.name, $0.opens ? "yes" : "no", $0.reason ?? "", $0.description] })
    if let problem = EventNames.libraryProblem {
      table.notes.append("\(problem): only perf's generic names are known")
    }
    try RunOutput.print(table, json: events, format)
  }
}
