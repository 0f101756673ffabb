import Foundation
import Measurement

/// The table that `nolock compare` prints: a line per cell, metric and arm.
public enum ComparisonTables {
  public static let columns: [Table.Column] = [
    .init("cell", .left), .init("metric", .left), .init("arm", .left), .init("against", .left),
    .init("ratio"), .init("interval"), .init("blocks"), .init("margin"), .init("layouts"),
    .init("verdict", .left),
  ]

  public static func table(_ result: ComparisonReport) -> Table {
    Table(
      title: result.title,
      subtitle: "ratio = arm / against, by blocks in random order; intervals simultaneous, "
        + "0.5 % error for the whole table",
      columns: columns, rows: result.lines.map(row), notes: result.notes)
  }

  /// The same rows with plain numbers: `cell,metric,arm,base,ratio,low,high,blocks,margin,…`.
  public static func csv(_ result: ComparisonReport) -> Table {
    func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    let names = [
        "cell", "metric", "arm", "base", "ratio", "low", "high", "blocks", "margin",
        "layout_spread", "layouts", "verdict", "could_have_shown", "reason",
      ]
    return Table(
      title: result.title, columns: names.map { Table.Column($0, .left) },
      rows: result.lines.map { (line: ComparisonReport.Line) -> [String] in
        [
          line.cell, line.metric, line.arm, line.base, number(line.ratio), number(line.low),
          number(line.high), "\(line.blocks)", number(line.margin), number(line.layoutSpread),
          "\(line.layouts)", line.verdict.rawValue, number(line.couldHaveShown), line.reason ?? "",
        ]
      })
  }

  static func row(_ line: ComparisonReport.Line) -> [String] {
    var interval = "–"
    if let low = line.low, let high = line.high { interval = "\(ratio(low))–\(ratio(high))" }
    var words = line.words
    if let reason = line.reason, !line.identical, line.verdict != .inconclusive {
      words += "; " + reason
    }
    let blocks = line.identical ? "–" : "\(line.blocks)"
    return [
      line.cell, line.metric, line.arm, line.base, ratio(line.ratio), interval, blocks,
      "±" + share(line.margin), layouts(line), words,
    ]
  }

  /// `4: 0.31 %`: number of layouts and how far the arm's or the base's differ.
  static func layouts(_ line: ComparisonReport.Line) -> String {
    line.identical ? "–" : "\(line.layouts)" + (line.layoutSpread.map { ": " + share($0) } ?? "")
  }

  static func ratio(_ value: Double?) -> String {
    value.map { String(format: "%.4f", locale: Locale(identifier: "en_US_POSIX"), $0) } ?? "–"
  }
}
