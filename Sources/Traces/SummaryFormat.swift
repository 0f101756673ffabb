import Foundation

/// The forms of `nolock trace show --format`.
public enum SummaryFormat: String, CaseIterable, Sendable {
  case text, json, csv, markdown
}

extension TraceSummary {
  /// The whole report, with a newline at its end.
  public func rendered(as format: SummaryFormat) throws -> String {
    switch format {
    case .text: text
    case .json: try json
    case .csv: csv
    case .markdown: markdown
    }
  }

  /// Pretty JSON with sorted keys; what the file does not keep is null.
  private var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
  }

  /// One table: `section,name,count,unit,share`; share 0…1; an empty count = unavailable.
  private var csv: String {
    func quoted(_ text: String) -> String {
      text.contains { ",\"\n\r".contains($0) }
        ? "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : text
    }
    var lines = ["section,name,count,unit,share"]
    for section in SummaryTable(self).sections {
      for row in section.rows {
        lines.append(
          [
            section.key, quoted(row.name), row.count.map(String.init) ?? "", row.unit,
            row.share.map { String(format: "%.6f", $0) } ?? "",
          ].joined(separator: ","))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A table per section, shares as percentages.
  private var markdown: String {
    var out = "## \(title.replacingOccurrences(of: "|", with: "\\|"))\n"
    for section in SummaryTable(self).sections where !section.rows.isEmpty {
      out += "\n### \(section.title)\n\n| | count | share |\n|---|---:|---:|\n"
      for row in section.rows {
        out += "| \(row.name) | \(Self.number(row)) | \(Self.percent(row.share)) |\n"
      }
    }
    for note in notes { out += "\n\(note)\n" }
    return out
  }

  /// Sections of aligned columns; empty buckets and contexts are left out.
  private var text: String {
    var out = title + "\n"
    for section in SummaryTable(self).sections {
      let isHistogram = ["bucket", "context"].contains(section.key)
      let rows = section.rows.filter { !isHistogram || $0.count != 0 }
      guard rows.contains(where: { $0.count != nil }) else { continue }
      out += "\n\(section.title)\n"
      let wide = rows.map(\.name.count).max() ?? 0
      let deep = rows.map { Self.number($0).count }.max() ?? 0
      for row in rows {
        let number = Self.number(row)
        var line = "  " + row.name + Self.blanks(wide - row.name.count + 2)
        line += Self.blanks(deep - number.count) + number
        if row.share != nil {
          let percent = Self.percent(row.share)
          line += Self.blanks(9 - percent.count) + percent
        }
        out += line + "\n"
      }
    }
    for line in notes { out += "\n\(line)" }
    return notes.isEmpty ? out : out + "\n"
  }

  private var title: String { "\(path) (\(source))" }

  private var notes: [String] {
    var notes: [String] = []
    for (reason, names) in Dictionary(grouping: unavailable.keys, by: { unavailable[$0]! })
      .sorted(by: { $0.key < $1.key })
    {
      notes.append("Unavailable: \(names.sorted().joined(separator: ", ")): \(reason).")
    }
    if !garbage.isEmpty {
      notes.append(
        (["Garbage, the first \(garbage.count) of \(garbageLines) lines:"]
          + garbage.map { "  line \($0.line): \($0.reason): \($0.text)" })
          .joined(separator: "\n"))
    }
    return notes
  }

  private static func number(_ row: SummaryTable.Row) -> String {
    guard let count = row.count else { return "unavailable" }
    return grouped(count) + (row.unit.isEmpty ? "" : " " + row.unit)
  }

  private static func percent(_ share: Double?) -> String {
    share.map { String(format: "%.1f %%", 100 * $0) } ?? ""
  }

  private static func blanks(_ count: Int) -> String {
    String(repeating: " ", count: max(0, count))
  }

  /// 1234567 → 1,234,567.
  private static func grouped(_ number: UInt64) -> String {
    var out = ""
    let digits = String(number)
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
      out.append(digit)
    }
    return out
  }
}
