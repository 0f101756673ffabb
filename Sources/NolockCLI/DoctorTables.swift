import Doctor
import Foundation
import Reports

/// The report of `nolock doctor` as tables.
enum DoctorTables {
  static func tables(_ report: DoctorCommand.Report) -> [Table] {
    var machine = Table(
      title: "this machine",
      columns: [
        .init("what", .left), .init("", .left), .init("state", .left), .init("means", .left),
      ],
      rows: report.findings.map { [$0.name, $0.level.rawValue, $0.state, $0.means] })
    machine.notes = report.findings.compactMap { finding in
      finding.todo.map { "\(finding.name): \($0)" }
    }
    return [machine, costs(report.costs)] + (report.calibration.map(calibration) ?? [])
  }

  /// One table of everything, for CSV: name, level, state, means, todo.
  static func all(_ report: DoctorCommand.Report) -> Table {
    var table = Table(
      title: "doctor",
      columns: ["what", "level", "state", "means", "todo"].map { .init($0, .left) },
      rows: report.findings.map { [$0.name, $0.level.rawValue, $0.state, $0.means, $0.todo ?? ""] })
    for cost in [report.costs.counterRead, report.costs.sampleStart] {
      table.rows.append([cost.what, level(cost), time(cost.nanoseconds), cost.reason ?? "", ""])
    }
    for found in report.calibration?.found ?? [] {
      table.rows.append([
        "blocks for \(found.effectPercent) % of \(found.metric)", "",
        found.blocks.map { "\($0)" } ?? "", found.reason ?? "", "",
      ])
    }
    return table
  }

  private static func level(_ cost: Costs.Cost) -> String {
    guard let value = cost.nanoseconds else { return "unknown" }
    return value <= cost.limitNanoseconds ? "good" : "limited"
  }

  private static func time(_ nanoseconds: Double?) -> String {
    guard let nanoseconds else { return "n/a" }
    return nanoseconds < 1e5
      ? String(format: "%.2f µs", nanoseconds / 1e3) : String(format: "%.2f ms", nanoseconds / 1e6)
  }

  private static func costs(_ costs: Costs) -> Table {
    let all = [costs.counterRead, costs.sampleStart]
    return Table(
      title: "what measuring costs",
      columns: [
        .init("what", .left), .init("time"), .init("at most"), .init("", .left),
        .init("source", .left),
      ],
      rows: all.map {
        [
          $0.what, time($0.nanoseconds), time($0.limitNanoseconds), level($0),
          $0.source ?? $0.reason ?? "",
        ]
      })
  }

  private static func calibration(_ result: AACalibration) -> [Table] {
    [
      Table(
        title: "two equal arms: \(result.blocks) blocks of \(result.cell)",
        columns: [
          .init("metric", .left), .init("interval"), .init("blocks"), .init("comparisons"),
          .init("false alarms"), .init("expected at most"),
        ],
        rows: result.falseAlarms.map {
          [
            $0.metric, String(format: "%g %%", 100 * $0.confidence), "\($0.blocks)",
            "\($0.comparisons)", "\($0.alarms)",
            String(format: "%.1f", (1 - $0.confidence) * Double($0.comparisons)),
          ]
        }),
      Table(
        title: "blocks that find an effect in 9 of 10 comparisons (interval of 99.5 %)",
        columns: [
          .init("metric", .left), .init("effect"), .init("blocks"), .init("seconds"),
          .init("", .left),
        ],
        rows: result.found.map {
          [
            $0.metric, String(format: "+%g %%", $0.effectPercent), $0.blocks.map { "\($0)" } ?? "–",
            $0.seconds.map { String(format: "%.1f", $0) } ?? "–", $0.reason ?? "",
          ]
        }),
    ]
  }
}
