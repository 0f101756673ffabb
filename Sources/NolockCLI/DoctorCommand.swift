import ArgumentParser
import Doctor
import Foundation
import Measurement
import Reports
import Traces

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Says what this machine can measure, and what to do about it.",
    discussion: """
      --tune changes what can be changed and prints each change; the old values are stored first, \
      so that --restore works after a crash too.  --calibrate takes about a minute.

      Example: nolock doctor --calibrate
      """)

  @Flag(help: "Run two equal arms: false alarms, and the blocks that find 1, 2 and 5 %.")
  var calibrate = false

  @Option(help: .init("How long --calibrate measures.", valueName: "seconds"))
  var seconds = 40.0

  @Flag(help: "Set governor, turbo, perf_event_paranoid, nmi_watchdog, sample rate (root).")
  var tune = false

  @Flag(help: "Undo --tune (root).")
  var restore = false

  @Option(help: .init("Where --tune keeps the old values.", valueName: "file"))
  var state = Tuning.standardState

  @Option(help: "text, json, csv or markdown.")
  var format = OutputFormat.text

  /// What `--format json` prints.
  struct Report: Encodable {
    var schema = "nolock-doctor/1"
    var findings: [Doctor.Finding]
    var costs: Costs
    @Explicit var calibration: AACalibration?
  }

  func run() throws {
    if tune || restore { return try change() }
    guard seconds > 0, seconds <= 600 else {
      throw Failure(.usage, "--seconds '\(plain(seconds))' found, allowed: above 0 to 600")
    }
    var report = Report(
      findings: Examination.findings(), costs: Costs.measure(), calibration: nil)
    if calibrate {
      let isTerminal = isatty(2) == 1
      report.calibration = try AACalibration.run(seconds: seconds) { blocks in
        if blocks % 500 == 0 && isTerminal { Terminal.say("\(blocks) blocks") }
      }
    }
    try print(report)
  }

  private func change() throws {
    guard tune != restore, !calibrate else {
      throw Failure(.usage, "--tune, --restore and --calibrate exclude each other")
    }
    let tuning = Tuning(statePath: state)
    let changes = tune ? try tuning.tune() : try tuning.restore()
    let table = Table(
      title: changes.isEmpty ? "nothing to change" : tune ? "tuned" : "restored",
      columns: [.init("setting", .left), .init("was", .left), .init("is", .left)],
      rows: changes.map {
        [$0.path, $0.old, $0.refusal.map { "not changed: \($0)" } ?? $0.new]
      })
    try RunOutput.print(table, json: changes, format)
    if let refused = changes.first(where: { $0.refusal != nil }) {
      throw Failure(.notPermitted, "\(refused.path): \(refused.refusal ?? "")")
    }
  }

  private func print(_ report: Report) throws(Failure) {
    let tables = DoctorTables.tables(report)
    switch format {
    case .text: RunOutput.write(TextReport.render(tables))
    case .markdown: RunOutput.write(MarkdownReport.render(tables))
    case .csv: RunOutput.write(CSVReport.render(DoctorTables.all(report)))
    case .json: RunOutput.write(String(decoding: try jsonData(report), as: UTF8.self))
    }
  }
}
