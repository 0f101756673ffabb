import Foundation
import Measurement

/// A gate's report as a table, JUnit XML and GitHub annotations.
public enum GateReports {
  public static func table(_ report: GateReport) -> Table {
    let names = ["cell", "metric", "ratio", "interval", "limit", "blocks", "copy", "plant", "verdict"]
    let right = ["ratio", "interval", "limit", "blocks"]
    return Table(
      title: "\(report.new) against \(report.against)",
      columns: names.map { .init($0, right.contains($0) ? .right : .left) },
      rows: report.lines.map(row),
      notes: changes(report) + report.notes)
  }

  /// What the regressions are made of, each cell's lines once.
  private static func changes(_ report: GateReport) -> [String] {
    var all: [String] = []
    for line in report.lines {
      for change in line.changes.map({ "\(line.cell): \($0)" }) where !all.contains(change) {
        all.append(change)
      }
    }
    return all
  }

  private static func row(_ line: GateReport.Line) -> [String] {
    var interval = "–"
    if let low = line.low, let high = line.high {
      interval = ComparisonTables.ratio(low) + "–" + ComparisonTables.ratio(high)
    }
    let amount = line.scale == .ratio ? share(line.limit) : String(format: "%.3g", line.limit)
    let limit = line.limit == 0 ? "exact" : (line.isSoft ? "soft " : "") + amount
    return [
      line.cell, line.metric, ComparisonTables.ratio(line.ratio), interval, limit, "\(line.blocks)",
      line.copy?.rawValue ?? "–", line.plant?.rawValue ?? "–",
      "\(line.outcome.rawValue): \(line.message)",
    ]
  }

  /// One test case per cell and metric: `<failure>` regression, `<error>` void or failed,
  /// `<skipped>` inconclusive.
  public static func junit(_ report: GateReport) -> String {
    func count(_ outcomes: [GateReport.Outcome]) -> Int {
      report.lines.count { outcomes.contains($0.outcome) }
    }
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuite name="nolock gate" tests="\(report.lines.count)" \
      failures="\(count([.regression]))" errors="\(count([.void, .failed]))" \
      skipped="\(count([.inconclusive]))">

      """
    for line in report.lines {
      let element: String? =
        switch line.outcome {
        case .regression: "failure"
        case .void, .failed: "error"
        case .inconclusive: "skipped"
        case .pass, .improvement, .warning: nil
        }
      text += "  <testcase classname=\"\(xml(line.cell))\" name=\"\(xml(line.metric))\">"
      if let element {
        let body = ([line.message] + line.changes).joined(separator: "; ")
        text += "<\(element) message=\"\(xml(body))\"/>"
      } else {
        text += "<system-out>\(xml("\(line.outcome.rawValue): \(line.message)"))</system-out>"
      }
      text += "</testcase>\n"
    }
    return text + "</testsuite>\n"
  }

  /// `::error title=…::…` of what is not green, `::warning` of soft limits, `::notice` of
  /// improvements.
  public static func annotations(_ report: GateReport) -> [String] {
    report.lines.compactMap { line in
      let level: String
      switch line.outcome {
      case .pass: return nil
      case .improvement: level = "notice"
      case .warning, .inconclusive: level = "warning"
      case .regression, .void, .failed: level = "error"
      }
      let title = escaped("\(line.outcome.rawValue) \(line.metric)")
        .replacing(":", with: "%3A").replacing(",", with: "%2C")
      let ratio = line.ratio.map { " (ratio \(ComparisonTables.ratio($0)))" } ?? ""
      let text = ([line.cell + ": " + line.message + ratio] + line.changes).joined(separator: "\n")
      return "::\(level) title=\(title)::\(escaped(text))"
    }
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }

  private static func xml(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
