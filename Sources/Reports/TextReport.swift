/// Tables as aligned plain text.
public enum TextReport {
  /// Columns two spaces apart, the title above, the notes below.
  public static func render(_ tables: [Table]) -> String {
    tables.map(render).joined(separator: "\n")
  }

  static func render(_ table: Table) -> String {
    let widths = table.columns.indices.map { column in
      ([table.columns[column].title] + table.rows.map { $0[column] }).map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.indices.map { index in
        let space = String(repeating: " ", count: max(0, widths[index] - cells[index].count))
        return table.columns[index].alignment == .left
          ? cells[index] + space : space + cells[index]
      }
      var text = padded.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text
    }
    var lines = [table.title]
    if !table.subtitle.isEmpty { lines.append("  " + table.subtitle) }
    if !table.rows.isEmpty {
      lines.append(line(table.columns.map(\.title)))
      lines += table.rows.map(line)
    }
    lines += table.notes.map { "  " + $0 }
    return lines.joined(separator: "\n") + "\n"
  }
}
