import Foundation
import Measurement

/// A series as plain tables, one per version and cell, fit for a reply on a mailing list.
public enum SeriesTables {
  public static func tables(_ report: SeriesReport) -> [Table] {
    var tables: [Table] = []
    for version in report.versions {
      var cells: [String] = []
      for effect in version.patches.flatMap(\.effects) where !cells.contains(effect.cell) {
        cells.append(effect.cell)
      }
      for cell in cells { tables.append(table(version, cell)) }
      let problems = version.patches.filter { $0.problem != nil }
      if !problems.isEmpty {
        tables.append(
          Table(
            title: "\(version.name): not measured", columns: [], rows: [],
            notes: problems.map { "\($0.number) \($0.title): \($0.problem ?? "")" }))
      }
    }
    if !report.matches.isEmpty { tables.append(matches(report)) }
    let culprits = report.culprits
    tables.append(
      Table(
        title: culprits.isEmpty ? "No patch makes a cell slower." : "Culprits", columns: [],
        rows: [], notes: culprits + report.notes))
    return tables
  }

  private static func table(_ version: SeriesReport.Version, _ cell: String) -> Table {
    Table(
      title: "\(version.name) on \(version.base.prefix(12)): \(cell)",
      columns: [
        .init("#"), .init("patch", .left), .init("alone"), .init("verdict", .left),
        .init("sum"), .init("verdict", .left),
      ],
      rows: version.patches.map { patch in
        let effect = patch.effects.first { $0.cell == cell }
        let title = patch.title.count > 34 ? patch.title.prefix(33) + "…" : patch.title[...]
        return [
          "\(patch.number)", String(title), percent(effect?.patch), words(patch, effect?.patch),
          percent(effect?.cumulative), words(patch, effect?.cumulative),
        ]
      })
  }

  private static func matches(_ report: SeriesReport) -> Table {
    let (old, new) = (report.versions.first?.name ?? "", report.versions.last?.name ?? "")
    return Table(
      title: "\(new) against \(old), patch by patch (git range-diff)",
      columns: [
        .init(old), .init("", .left), .init(new), .init("cell", .left), .init("change"),
        .init("verdict", .left),
      ],
      rows: report.matches.flatMap { match -> [[String]] in
        let head = [match.old.map { "\($0)" } ?? "–", match.sign, match.new.map { "\($0)" } ?? "–"]
        if match.lines.isEmpty { return [head + ["–", "–", "–"]] }
        return match.lines.map { head + [$0.cell, percent($0), $0.words] }
      })
  }

  private static func words(_ patch: SeriesReport.Patch, _ line: ComparisonReport.Line?) -> String {
    line?.words ?? (patch.problem == nil ? "–" : "not measured")
  }

  /// `+3.1 %`.
  private static func percent(_ line: ComparisonReport.Line?) -> String {
    guard let ratio = line?.ratio else { return "–" }
    return (ratio < 1 ? "−" : "+") + share(ratio - 1)
  }
}
