import Measurement

/// Tables of what arrived, and of what was counted exactly.
enum InterruptTables {
  /// Asked for and delivered, late and coalesced; and how long after the intended instant, and after
  /// its own start, a handler ended.
  static func arrivals(_ cells: [RunResult.CellResult]) -> Table {
    var table = Table(
      title:
        "arrivals of the above, per second and thread; to a handler's end from its intended instant, "
        + "and from its own start",
      columns: [
        .init("subject", .left), .init("asked"), .init("got %"), .init("late %"),
        .init("merged"), .init("held"), .init("p50"), .init("p99"), .init("p99.9"),
        .init("own p50"), .init("p99"), .init("p99.9"),
      ], rows: [])
    for cell in cells where cell.state == .ok {
      let intended = cell.intendedLatency
      let inside = cell.insideLatency
      table.rows.append([
        ResultTables.label(cell), cell.cell.interrupts.hasRate ? asked(cell.cell) : "each",
        NumberText.percent(cell.summary("irq_achieved_share")?.median),
        NumberText.percent(cell.summary("irq_late_share")?.median),
        NumberText.orDash(cell.summary("handler_coalesced")?.median),
        NumberText.orDash(cell.summary("handler_masked")?.median),
        text(intended?.p50), text(intended?.p99), text(intended?.p999), text(inside?.p50),
        text(inside?.p99), text(inside?.p999),
      ])
    }
    guard let first = cells.first(where: { $0.state == .ok }) else { return table }
    if first.intendedLatency == nil {
      table.notes.append(
        "\(first.cell.interrupts.rawValue) intends no instant: nothing is late or on time")
    }
    if let cycles = first.summary("irq_perf_cycles")?.median {
      table.notes.append(
        cycles == 1 ? "perf: the processor's cycles" : "perf: the kernel's cpu-clock, no PMU")
    }
    return table
  }

  private static func asked(_ cell: Cell) -> String {
    let first = cell.rate * Double(cell.irq.burst)
    return cell.irq.second == .none
      ? NumberText.short(first)
      : "\(NumberText.short(first))+\(NumberText.short(cell.irq.secondRate))"
  }

  private static func text(_ value: UInt64?) -> String { value.map(NumberText.time) ?? "n/a" }

  /// Exact instructions of a cell with `counted: true`.
  static func counted(
    _ cells: [RunResult.CellResult], heading: String, _ notes: [String]
  ) -> Table {
    var table = Table(
      title: heading, subtitle: "exact instructions by single-step (source step), 1,000 calls each",
      columns: [
        .init("subject", .left), .init("kmalloc"), .init("kfree"), .init("traps kmalloc"),
        .init("traps kfree"), .init("different counts"),
        .init("PMU − step, each pair"),
      ], rows: [], notes: notes)
    for cell in cells where cell.state == .ok {
      table.rows.append(
        [ResultTables.label(cell)]
          + [
            "step_instructions_per_kmalloc", "step_instructions_per_kfree",
            "step_traps_per_kmalloc", "step_traps_per_kfree", "step_distinct",
          ].map { NumberText.orDash(cell.summary($0)?.median) } + [difference(cell)])
    }
    let reasons = cells.compactMap { cell -> String? in
      let pmu = cell.summary("pmu_instructions")
      return pmu?.n == 0 ? pmu?.reason : nil
    }
    if let reason = reasons.first { table.notes.append("PMU: n/a: \(reason)") }
    return table
  }

  /// Instructions that the processor counted above the exact ones, per pair of calls.
  private static func difference(_ cell: RunResult.CellResult) -> String {
    guard let above = cell.summary("pmu_instructions_difference")?.median,
      let pairs = cell.summary("step_repeats")?.median, pairs > 0
    else { return "n/a" }
    return NumberText.short(above / pairs)
  }
}
