import Foundation

/// The rows of a summary, once for all renderers: sections of (name, count, share, note).
struct SummaryTable {
  struct Row {
    let name: String
    /// `nil` = the file does not keep it.
    let count: UInt64?
    let share: Double?
    let unit: String
  }

  struct Section {
    /// A word for CSV's first column.
    let key: String
    let title: String
    var rows: [Row]
  }

  private(set) var sections: [Section] = []

  init(_ summary: TraceSummary) {
    let of = { (count: UInt64, whole: UInt64) in whole == 0 ? 0 : Double(count) / Double(whole) }
    add("recording", "Recording") {
      row("recorded events", summary.recordedEvents)
      row("replayable events", summary.events, of(summary.events, summary.recordedEvents))
      row("CPUs", UInt64(summary.cpus.count))
      row("duration", summary.durationNanoseconds / 1000, unit: "µs")
      row("allocations", summary.allocations)
      row("bytes requested", summary.bytesRequested, unit: "B")
      row("real frees", summary.frees)
      row("local frees", summary.localFrees, of(summary.localFrees, summary.frees))
      row("remote frees", summary.remoteFrees, of(summary.remoteFrees, summary.frees))
      row("never freed", summary.unfreed, of(summary.unfreed, summary.allocations))
    }
    add("left-out", "Left out") {
      row("frees of NULL", summary.nullFrees)
      row("frees of unknown pointers", summary.unknownFrees)
      row("lost frees", summary.lostFrees)
      row("failed allocations", summary.failedAllocations)
      row("lost events", summary.lostEvents)
      row("lines of other events", summary.otherLines)
      row("garbage lines", summary.garbageLines)
    }
    add("cpu", "Events per CPU") {
      for cpu in summary.cpus { row("\(cpu.cpu)", cpu.events, of(cpu.events, summary.events)) }
    }
    add("context", "Contexts") { parts(summary.contexts) }
    add("flag", "Flags of allocations") { parts(summary.flags) }
    add("bucket", "Sizes by kmalloc bucket") { parts(summary.sizes) }
    add("size", "Most frequent sizes") { parts(summary.topSizes) }
    add("lifetime-us", "Lifetimes in µs") { quantiles(summary.lifetimes.microseconds, unit: "µs") }
    add("lifetime-events", "Lifetimes in events between") {
      quantiles(summary.lifetimes.events, unit: "events")
    }
  }

  private mutating func add(
    _ key: String, _ title: String, @RowBuilder _ rows: () -> [Row]
  ) {
    sections.append(Section(key: key, title: title, rows: rows()))
  }

  @resultBuilder
  private enum RowBuilder {
    static func buildExpression(_ row: Row) -> [Row] { [row] }
    static func buildExpression(_ rows: [Row]) -> [Row] { rows }
    static func buildBlock(_ parts: [Row]...) -> [Row] { parts.flatMap { $0 } }
    static func buildArray(_ parts: [[Row]]) -> [Row] { parts.flatMap { $0 } }
  }
}

private func row(
  _ name: String, _ count: UInt64?, _ share: Double? = nil, unit: String = ""
) -> SummaryTable.Row {
  SummaryTable.Row(name: name, count: count, share: share, unit: unit)
}

private func parts(_ parts: [TraceSummary.Part]) -> [SummaryTable.Row] {
  parts.map { row($0.name, $0.count, $0.share) }
}

private func quantiles(_ quantiles: Quantiles?, unit: String) -> [SummaryTable.Row] {
  [
    row("median", quantiles?.median, unit: unit), row("p90", quantiles?.p90, unit: unit),
    row("p99", quantiles?.p99, unit: unit), row("max", quantiles?.max, unit: unit),
  ]
}
