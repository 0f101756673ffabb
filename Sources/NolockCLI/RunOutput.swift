import Foundation
import Measurement
import Reports

/// What `nolock run` prints on stdout.
enum RunOutput {
  static func print(
    _ result: RunResult, _ plan: Plan, _ samples: [Sample], _ format: OutputFormat
  ) throws(Failure) {
    switch format {
    case .text: write(TextReport.render(ResultTables.tables(result)))
    case .markdown: write(MarkdownReport.render(ResultTables.tables(result)))
    case .csv: write(CSVReport.render(plan, samples: samples, run: result.run))
    case .json: write(try JSONReport.render(result))
    }
  }

  /// The plan of a dry run: its file for JSON, else a table.
  static func print(plan: Plan, _ format: OutputFormat) throws(Failure) {
    let table = Table(
      title: "\(plan.suite): \(plan.blocks) blocks, "
        + "\(plan.blocks * plan.cells.count) samples, base \(plan.base), seed \(plan.seed)",
      columns: [.init("cell", .left), .init("arms"), .init("samples"), .init("which", .left)],
      rows: plan.comparisons.map { comparison in
        [
          comparison.id, "\(comparison.arms.count)", "\(comparison.arms.count * plan.blocks)",
          comparison.arms.map(\.cell.arm).joined(separator: ", "),
        ]
      })
    try print(table, json: plan, format)
  }

  /// A table in any of the formats; JSON takes the value itself.
  static func print<T: Encodable>(_ table: Table, json value: T, _ format: OutputFormat)
    throws(Failure)
  {
    switch format {
    case .text: write(TextReport.render([table]))
    case .markdown: write(MarkdownReport.render([table]))
    case .csv: write(CSVReport.render(table))
    case .json: write(String(decoding: try jsonData(value), as: UTF8.self))
    }
  }

  static func write(_ text: String) {
    // A reader that went away (`| head`) is no reason to fail: the files are written.
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }
}
