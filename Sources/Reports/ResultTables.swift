import Measurement

/// The tables that `nolock run` prints: one per comparison; where there are interrupts a second one
/// of what the handlers saw, and one of the control arms, whose handler does nothing.
public enum ResultTables {
  public static func tables(_ result: RunResult) -> [Table] {
    var tables: [Table] = []
    var order: [String] = []
    for cell in result.cells where !order.contains(cell.comparison) {
      order.append(cell.comparison)
    }
    for comparison in order {
      for handler in Handler.allCases {
        let cells = result.cells.filter {
          $0.comparison == comparison && $0.cell.handler == handler
        }
        guard let first = cells.first else { continue }
        if first.cell.counted {
          tables.append(InterruptTables.counted(cells, heading: heading(first), notes(cells)))
          continue
        }
        tables.append(time(cells, first, result))
        if first.cell.interrupts != .none, handler == .nolock,
          cells.contains(where: { $0.state == .ok })
        {
          tables.append(interrupts(cells))
          tables.append(InterruptTables.arrivals(cells))
        }
        if let counters = CounterTable.table(cells, events: events(first)) {
          tables.append(counters)
        }
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
    let trips = ok.compactMap { $0.summary("core_round_trip_ns")?.median }
    if let least = trips.min(), let most = trips.max() {
      let (low, high) = (NumberText.short(least), NumberText.short(most))
      about += " · from core to core and back \(low == high ? low : low + "–" + high) ns"
    }
    var table = Table(
      title: heading(first), subtitle: about,
      columns: [
        .init("subject", .left), .init(events ? "ns/event" : "ns/op"), .init("95 % interval"),
        .init("× \(result.base)"), .init("95 % interval"), .init("net ×"), .init("CPU ns"),
        .init(events ? "Mevents/s" : "Mops/s"),
      ], rows: [], notes: notes(cells))
    table.notes += ok.compactMap(nolockCalls)
    if result.interrupted { table.notes.insert("interrupted: not all blocks were run", at: 0) }
    for cell in ok {
      let time = cell.summary("ns_per_op")
      let ratio = cell.ratios.first {
        $0.metric == "ns_per_op" && $0.base == result.base && $0.net == nil
      }
      let net = cell.ratios.first { $0.metric == "ns_per_op" && $0.net != nil }
      let isBase = cell.cell.subject == result.base && cell.cell.calls == .ordinary
      table.rows.append([
        label(cell), NumberText.orDash(time?.median),
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

  /// `× empty`: the foreground's time against the same subject's control arm, block by block.
  private static func interrupts(_ cells: [RunResult.CellResult]) -> Table {
    var table = Table(
      title:
        "handlers of the above: their calls in ns, allocations in %, deferred frees per signal",
      columns: [
        .init("subject", .left), .init("irq/s"), .init("p50"), .init("p99"), .init("p99.9"),
        .init("first try"), .init("next"), .init("failed"), .init("slab"), .init("deferred"),
        .init("× empty"), .init("95 %"),
      ], rows: [])
    for cell in cells where cell.state == .ok {
      let latency = cell.handlerLatency
      let control = cell.ratios.first {
        $0.metric == "ns_per_op" && $0.base.contains("handler=empty")
      }
      table.rows.append([
        label(cell), NumberText.orDash(cell.summary("irq_per_s")?.median),
        latency.map { "\($0.p50)" } ?? "–",
        latency.map { "\($0.p99)" } ?? "–", latency.map { "\($0.p999)" } ?? "–",
        NumberText.percent(cell.summary("handler_first_share")?.median),
        NumberText.percent(cell.summary("handler_next_bucket_share")?.median),
        NumberText.percent(cell.summary("handler_failed_share")?.median),
        NumberText.percent(cell.summary("handler_slab_share")?.median),
        NumberText.orDash(cell.summary("deferred_per_signal")?.median),
        NumberText.orDash(control?.median), NumberText.interval(control?.low, control?.high),
      ])
    }
    return table
  }

  /// `storm mix=bpf threads=2 irq=timer:10000`, of control arms with `: control, empty handler`.
  private static func heading(_ cell: RunResult.CellResult) -> String {
    let words = cell.comparison.split(separator: "/").filter { $0 != "*" }.joined(separator: " ")
    return cell.cell.handler == .empty ? words + ": the control, an empty handler" : words
  }

  /// `sheaves`, `sheaves nolock`.
  static func label(_ cell: RunResult.CellResult) -> String {
    cell.cell.calls == .ordinary ? cell.cell.subject : cell.cell.subject + " nolock"
  }

  /// The nolock calls against the ordinary ones of the same subject, block by block.
  private static func nolockCalls(_ cell: RunResult.CellResult) -> String? {
    guard cell.cell.calls == .nolock, cell.cell.subject != "null",
      let twin = cell.cell.controls.first(where: { $0.calls == .ordinary })?.id,
      let ratio = cell.ratios.first(where: { $0.metric == "ns_per_op" && $0.base == twin }),
      let median = ratio.median
    else { return nil }
    return "\(cell.cell.subject): the nolock calls take \(NumberText.short(median)) × the time of "
      + "the ordinary ones (\(NumberText.interval(ratio.low, ratio.high)))"
  }

  private static func notes(_ cells: [RunResult.CellResult]) -> [String] {
    cells.flatMap { cell -> [String] in
      let subject = label(cell)
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
