import Measurement

/// The tables that `nolock run` prints: one per comparison, a second one where there are
/// interrupts.
public enum ResultTables {
  public static func tables(_ result: RunResult) -> [Table] {
    var tables: [Table] = []
    var order: [String] = []
    for cell in result.cells where !order.contains(cell.comparison) {
      order.append(cell.comparison)
    }
    for comparison in order {
      let cells = result.cells.filter { $0.comparison == comparison }
      guard let first = cells.first else { continue }
      tables.append(time(cells, first, result))
      if first.cell.interrupts != .none, cells.contains(where: { $0.state == .ok }) {
        tables.append(interrupts(cells, first))
      }
      if let counters = CounterTable.table(cells, events: events(first)) {
        tables.append(counters)
      }
    }
    return tables
  }

  /// The events that the run was asked for: the metrics that have their like per operation.
  private static func events(_ cell: RunResult.CellResult) -> [String] {
    let names = Set(cell.metrics.map(\.metric)).subtracting(Derived.all.map(\.name))
    return cell.metrics.map(\.metric).filter { names.contains($0 + "_per_op") }
  }

  private static func time(
    _ cells: [RunResult.CellResult], _ first: RunResult.CellResult, _ result: RunResult
  ) -> Table {
    let ok = cells.filter { $0.state == .ok }
    let events = first.cell.workload == .replay
    var about = "\(first.blocksValid) of \(result.blocks) blocks"
    if let null = ok.first(where: { $0.cell.subject == "null" }),
      let cost = null.summary("ns_per_op")?.median
    {
      about += " · null \(NumberText.short(cost)) ns: the loop itself"
    } else {
      about += " · null not measured"
    }
    var table = Table(
      title: heading(first), subtitle: about,
      columns: [
        .init("subject", .left), .init(events ? "ns/event" : "ns/op"), .init("95 % interval"),
        .init("× \(result.base)"), .init("95 % interval"), .init("net ×"), .init("CPU ns"),
        .init(events ? "Mevents/s" : "Mops/s"),
      ], rows: [], notes: notes(cells))
    if result.interrupted { table.notes.insert("interrupted: not all blocks were run", at: 0) }
    for cell in ok {
      let time = cell.summary("ns_per_op")
      let ratio = cell.ratios.first {
        $0.metric == "ns_per_op" && $0.base == result.base && $0.net == nil
      }
      let net = cell.ratios.first { $0.metric == "ns_per_op" && $0.net != nil }
      let isBase = cell.cell.subject == result.base
      table.rows.append([
        cell.cell.subject, NumberText.orDash(time?.median),
        NumberText.interval(time?.low, time?.high),
        isBase ? "1" : NumberText.orDash(ratio?.median),
        isBase ? "" : NumberText.interval(ratio?.low, ratio?.high),
        isBase ? "1" : NumberText.orDash(net?.median),
        NumberText.orDash(cell.summary("cpu_ns_per_op")?.median),
        NumberText.orDash(cell.summary("ops_per_s")?.median.map { $0 / 1e6 }),
      ])
    }
    return table
  }

  private static func interrupts(
    _ cells: [RunResult.CellResult], _ first: RunResult.CellResult
  ) -> Table {
    var table = Table(
      title: "handlers of the above: latency in ns, shares of their allocations in %",
      columns: [
        .init("subject", .left), .init("irq/s"), .init("asked"), .init("p50"), .init("p99"),
        .init("p99.9"), .init("first try"), .init("next"), .init("failed"), .init("deferred"),
        .init("× empty"),
      ], rows: [])
    for cell in cells where cell.state == .ok {
      let latency = cell.handlerLatency
      let control = cell.ratios.first {
        $0.metric == "ns_per_op" && $0.base.contains("handler=empty")
      }
      table.rows.append([
        cell.cell.subject, NumberText.orDash(cell.summary("irq_per_s")?.median),
        NumberText.short(cell.cell.rate), latency.map { "\($0.p50)" } ?? "–",
        latency.map { "\($0.p99)" } ?? "–", latency.map { "\($0.p999)" } ?? "–",
        NumberText.percent(cell.summary("handler_first_share")?.median),
        NumberText.percent(cell.summary("handler_next_bucket_share")?.median),
        NumberText.percent(cell.summary("handler_failed_share")?.median),
        cell.counters["stat.free_deferred"].map { "\($0)" } ?? "–",
        NumberText.orDash(control?.median),
      ])
    }
    return table
  }

  /// `storm mix=bpf threads=2 irq=timer:10000`.
  private static func heading(_ cell: RunResult.CellResult) -> String {
    cell.comparison.split(separator: "/").filter { $0 != "*" }.joined(separator: " ")
  }

  private static func notes(_ cells: [RunResult.CellResult]) -> [String] {
    cells.flatMap { cell -> [String] in
      let subject = cell.cell.subject
      let reason = cell.reason ?? "no reason given"
      return switch cell.state {
      case .skipped: ["\(subject) skipped: \(reason)"]
      case .failed: ["\(subject) FAILED: \(reason)"]
      case .incomplete: ["\(subject) not run: \(reason)"]
      case .ok:
        (cell.samplesFailed > 0
          ? [
            "\(subject) FAILED in \(cell.samplesFailed) samples (\(cell.blocksDiscarded) blocks "
              + "dropped): \(reason)"
          ] : [])
      }
    }
  }
}
