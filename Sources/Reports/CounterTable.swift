import Measurement

/// The table of perf counters per operation that goes with a comparison's times.
enum CounterTable {
  /// - Parameter events: names, as the plan has them.
  /// - Returns: nil iff no cell was asked for a counter.
  static func table(_ cells: [RunResult.CellResult], events: [String]) -> Table? {
    guard !events.isEmpty, let first = cells.first(where: { $0.state == .ok }) else { return nil }
    let perWhat = first.cell.workload == .replay ? "event" : "operation"
    var table = Table(
      title: "counters of the above, per \(perWhat), foreground threads",
      columns: [.init("subject", .left)] + events.map { .init($0) }, rows: [])
    for cell in cells where cell.state == .ok {
      table.rows.append(
        [ResultTables.label(cell)] + events.map { text(cell.summary($0 + "_per_op")) })
    }
    // Events of which the same is to be said share a line.
    var said: [(text: String, events: [String])] = []
    for event in events {
      guard let summary = first.summary(event + "_per_op") else { continue }
      let text =
        summary.n == 0
        ? "n/a: \(summary.reason ?? "no reason given")"
        : "\(summary.source.rawValue), \(summary.n) samples"
          + (summary.note.map { "; \($0)" } ?? "")
      if let index = said.firstIndex(where: { $0.text == text }) {
        said[index].events.append(event)
      } else {
        said.append((text, [event]))
      }
    }
    for line in said {
      table.notes.append("\(line.events.joined(separator: ", ")): \(line.text)")
    }
    if table.rows.contains(where: { $0.contains { $0.hasSuffix("*") } }) {
      table.notes.append("* scaled: the PMU was shared, the event was not counted all the time")
    }
    return table
  }

  private static func text(_ summary: Summary?) -> String {
    guard let summary, let median = summary.median else { return "n/a" }
    return NumberText.short(median) + ((summary.runningShare ?? 1) < 1 ? "*" : "")
  }
}
