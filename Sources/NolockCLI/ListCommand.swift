import ArgumentParser
import Measurement
import Reports

struct ListCommand: ParsableCommand {
  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case subjects, workloads, mixes, suites, interrupts, counters
  }

  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Shows what exists and what this machine can do.",
    discussion: "Example: nolock list subjects")

  @Argument(help: "subjects, workloads, mixes, suites, interrupts or counters.")
  var kind: Kind

  @Option(help: "text, json, csv or markdown.")
  var format = OutputFormat.text

  func run() throws {
    let list: [Availability] =
      switch kind {
      case .subjects: try Availability.subjects()
      case .workloads: Availability.workloads()
      case .mixes: Availability.mixes()
      case .suites: Availability.suites()
      case .interrupts: Availability.interrupts()
      case .counters: Availability.counters()
      }
    let table = Table(
      title: kind.rawValue,
      columns: [.init("name", .left), .init("available", .left), .init("note", .left)],
      rows: list.map { [$0.name, $0.available ? "yes" : "no", $0.note] })
    try RunOutput.print(table, json: list, format)
  }
}
