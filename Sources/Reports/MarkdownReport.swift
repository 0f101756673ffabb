/// Tables as GitHub's Markdown.
public enum MarkdownReport {
  public static func render(_ tables: [Table]) -> String {
    tables.map(render).joined(separator: "\n")
  }

  static func render(_ table: Table) -> String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map(escaped).joined(separator: " | ") + " |"
    }
    var lines = ["**" + escaped(table.title) + "**", ""]
    if !table.subtitle.isEmpty { lines += [escaped(table.subtitle), ""] }
    if !table.rows.isEmpty {
      lines.append(line(table.columns.map(\.title)))
      let rules = table.columns.map { $0.alignment == .left ? ":---" : "---:" }
      lines.append("| " + rules.joined(separator: " | ") + " |")
      lines += table.rows.map(line)
      lines.append("")
    }
    lines += table.notes.map { "- " + escaped($0) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("|", with: "\\|").replacing("*", with: "\\*")
      .replacing("_", with: "\\_")
  }
}
