/// Rows and columns of text, before any format: what the text and the Markdown reporter print.
public struct Table: Equatable, Sendable {
  public enum Alignment: Sendable { case left, right }

  public struct Column: Equatable, Sendable {
    public var title: String
    public var alignment: Alignment

    public init(_ title: String, _ alignment: Alignment = .right) {
      self.title = title
      self.alignment = alignment
    }
  }

  public var title: String
  /// A second line of the title; empty if none.
  public var subtitle: String
  public var columns: [Column]
  /// One text per column.
  public var rows: [[String]]
  /// Lines below the table: what was skipped or failed, and why.
  public var notes: [String]

  public init(
    title: String, subtitle: String = "", columns: [Column], rows: [[String]],
    notes: [String] = []
  ) {
    self.title = title
    self.subtitle = subtitle
    self.columns = columns
    self.rows = rows
    self.notes = notes
  }
}
