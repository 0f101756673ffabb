import Measurement

/// `result.csv`: a line per sample and metric (RFC 4180: CRLF, quotes doubled).
public enum CSVReport {
  public static let fileName = "result.csv"
  /// The columns, in their order.
  public static let columns = [
    "run", "cell", "subject", "arm", "workload", "mix", "threads", "irq_source", "irq_rate",
    "block", "position", "attempt", "metric", "unit", "source", "value", "valid", "reason",
  ]

  /// - Parameter run: the run's name.
  public static func render(_ plan: Plan, samples: [Sample], run: String) -> String {
    let blocks = Blocks(samples)
    var text = line(columns)
    for comparison in plan.comparisons {
      let sorted = blocks.sorted(comparison)
      let valid = Set(sorted.samples.values.flatMap { $0 }.map(Key.init))
      for arm in comparison.arms {
        for sample in blocks.all(arm.hash) {
          let head = prefix(run, arm, sample)
          for row in rows(sample, threads: arm.cell.threads, valid: valid.contains(Key(sample))) {
            text += line(head + row)
          }
        }
      }
    }
    return text
  }

  private struct Key: Hashable {
    let hash: String
    let block: Int
    let attempt: Int

    init(_ sample: Sample) {
      hash = sample.hash
      block = sample.block
      attempt = sample.attempt
    }
  }

  private static func prefix(_ run: String, _ arm: Plan.PlannedCell, _ sample: Sample) -> [String] {
    let cell = arm.cell
    return [
      run, arm.id, cell.subject, cell.arm, cell.workload.rawValue, cell.mix,
      "\(cell.threads)", cell.interrupts.rawValue,
      cell.interrupts == .none ? "" : plain(cell.rate), "\(sample.block)", "\(sample.position)",
      "\(sample.attempt)",
    ]
  }

  /// `metric, unit, source, value, valid, reason` of every metric; of a sample without any, one
  /// row without a value.
  private static func rows(_ sample: Sample, threads: Int, valid: Bool) -> [[String]] {
    guard sample.status == .ok else {
      return [["ns_per_op", "ns/op", "clock", "", "false", sample.reason ?? "no reason given"]]
    }
    let reason = valid ? "" : "another arm of its block has no result"
    var rows: [[String]] = []
    for derived in Derived.all {
      guard let value = derived.value(of: sample, threads: threads) else { continue }
      let source = sample.source(derived.from)?.rawValue ?? "count"
      rows.append([derived.name, derived.unit, source, "\(value)", "\(valid)", reason])
    }
    for metric in sample.metrics {
      rows.append([
        metric.name, unit(ofMetric: metric.name), metric.source.rawValue, "\(metric.value)",
        "\(valid)", reason,
      ])
    }
    for (name, histogram) in [
      ("handler_call", sample.latency), ("intended", sample.intendedLatency),
      ("inside", sample.insideLatency),
    ] {
      for (quantile, value) in RunResult.Latency(histogram)?.values ?? [] {
        rows.append(["\(name)_\(quantile)", "ns", "clock", "\(value)", "\(valid)", reason])
      }
    }
    for counter in sample.counters {
      let scaled = counter.isScaled ? "scaled: counted \(share(counter)) % of the time" : ""
      let notes = [counter.reason ?? "", scaled, counter.note ?? "", reason].filter { !$0.isEmpty }
      rows.append([
        counter.event, counter.unit, counter.source.rawValue, counter.value.map { "\($0)" } ?? "",
        "\(valid && counter.value != nil)", notes.joined(separator: "; "),
      ])
      for one in counter.threads {
        let share =
          one.enabledNanoseconds == 0
          ? 1 : Double(one.runningNanoseconds) / Double(one.enabledNanoseconds)
        let own = share < 1 ? "scaled: counted \(NumberText.short(100 * share)) % of the time" : ""
        rows.append([
          "\(counter.event).thread.\(one.thread)", counter.unit, one.source.rawValue,
          "\(one.value)", "\(valid)", [own, reason].filter { !$0.isEmpty }.joined(separator: "; "),
        ])
      }
    }
    if let exact = sample.exact {
      for (name, value) in [
        ("pmu_instructions", exact.pmu.map { "\($0)" }),
        ("pmu_instructions_difference", exact.difference.map { "\($0)" }),
      ] {
        let notes = [exact.reason ?? "", exact.note ?? "", reason].filter { !$0.isEmpty }
        rows.append([
          name, "count", exact.source.rawValue, value ?? "", "\(valid && value != nil)",
          notes.joined(separator: "; "),
        ])
      }
    }
    return rows
  }

  private static func share(_ counter: CounterValue) -> String {
    NumberText.short(100 * (counter.runningShare ?? 1))
  }

  static func line(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",") + "\r\n"
  }

  private static func quoted(_ field: String) -> String {
    let special = field.unicodeScalars.contains { "\",\r\n".unicodeScalars.contains($0) }
    return special ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
  }
}

extension CSVReport {
  /// A table's columns and rows; the title and the notes are left out.
  public static func render(_ table: Table) -> String {
    line(table.columns.map(\.title)) + table.rows.map(line).joined()
  }
}
