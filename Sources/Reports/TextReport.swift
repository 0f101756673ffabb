/// Tables as aligned plain text.
public enum TextReport {
  /// Titles and notes are wrapped at this width; rows are as wide as their columns.
  static let width = 100

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
    var lines = wrapped(table.title, indent: 0)
    if !table.subtitle.isEmpty { lines += wrapped(table.subtitle, indent: 2) }
    if !table.rows.isEmpty {
      lines.append(line(table.columns.map(\.title)))
      lines += table.rows.map(line)
    }
    for note in table.notes { lines += wrapped(note, indent: 2) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Lines of at most `width`, broken at spaces; continued lines stand two further in.
  private static func wrapped(_ text: String, indent: Int) -> [String] {
    var lines: [String] = []
    var line = String(repeating: " ", count: indent)
    var isEmpty = true
    for word in text.split(separator: " ") {
      if !isEmpty && line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: indent + 2)
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    return lines + [line]
  }
}
