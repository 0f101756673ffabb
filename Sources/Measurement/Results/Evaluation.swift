import Events
import Statistics

extension RunResult {
  /// Evaluates the samples of a plan; pure: the same samples give the same result.
  ///
  /// - Parameter run: the run's name.
  public init(_ plan: Plan, samples: [Sample], run: String, interrupted: Bool) {
    self.run = run
    suite = plan.suite
    title = plan.title
    base = plan.base
    blocks = plan.blocks
    seed = plan.seed
    command = plan.command
    self.interrupted = interrupted
    fingerprint = plan.fingerprint
    rates = plan.rates
    let blocks = Blocks(samples)
    cells = []
    for comparison in plan.comparisons {
      let context = Evaluation(
        plan: plan, all: blocks, own: blocks.sorted(comparison), comparison: comparison)
      for arm in comparison.arms { cells.append(context.result(arm)) }
    }
  }
}

/// One comparison with its samples.
private struct Evaluation {
  let plan: Plan
  let all: Blocks
  let own: Blocks.Sorted
  let comparison: Plan.Comparison

  private var arms: [Plan.PlannedCell] { comparison.arms }

  func result(_ arm: Plan.PlannedCell) -> RunResult.CellResult {
    let samples = own.samples[arm.hash] ?? []
    let everything = all.all(arm.hash)
    let failed = everything.filter { $0.status == .failed }
    let state: RunResult.State =
      if !samples.isEmpty { .ok } else if everything.contains(where: { $0.status == .skipped }) {
        .skipped
      } else if !failed.isEmpty || !own.discarded.isEmpty {
        .failed
      } else { .incomplete }
    let reason =
      everything.last { $0.status == .skipped }?.reason ?? failed.last?.reason
      ?? (state == .ok
        ? nil
        : state == .failed ? "every block has a failed sample" : "interrupted before its turn")
    return RunResult.CellResult(
      id: arm.id, hash: arm.hash, comparison: comparison.id, cell: arm.cell,
      state: state, reason: reason,
      iterations: comparison.calibration?.iterations,
      blocksValid: own.valid.count, blocksDiscarded: own.discarded.count,
      samplesFailed: failed.count, metrics: summaries(samples, arm.cell),
      ratios: samples.isEmpty ? [] : ratios(arm),
      handlerLatency: RunResult.Latency(samples.flatMap(\.latency)),
      intendedLatency: RunResult.Latency(samples.flatMap(\.intendedLatency)),
      insideLatency: RunResult.Latency(samples.flatMap(\.insideLatency)),
      counters: counters(samples))
  }

  private func summaries(_ samples: [Sample], _ cell: Cell) -> [Summary] {
    guard let first = samples.first else { return [] }
    var summaries: [Summary] = []
    for derived in Derived.all where derived.applies(to: cell) {
      var why: String?
      let values = samples.compactMap { sample -> Double? in
        do throws(RecordError) {
          return try derived.value(sample, threads: cell.threads)
        } catch {
          why = error.text
          return nil
        }
      }
      // A value that some samples lack is no value of the cell: the rest would be a selection.
      summaries.append(
        Summary(
          derived.name, unit: derived.unit, source: first.source(derived.from) ?? .count,
          lowerIsBetter: derived.lowerIsBetter, values: why == nil ? values : [], reason: why))
    }
    for metric in first.metrics where !metric.name.hasPrefix("stat.") {
      let values = samples.compactMap { $0.value(metric.name).map { Double($0) } }
      let whole = values.count == samples.count
      summaries.append(
        Summary(
          metric.name, unit: unit(ofMetric: metric.name), source: metric.source,
          lowerIsBetter: nil, values: whole ? values : [],
          reason: whole ? nil : "a sample has no \(metric.name)"))
    }
    for planned in plan.counters?.events ?? [] { summaries += counters(planned.event, samples) }
    if cell.counted { summaries += instructionsByPMU(samples) }
    return summaries
  }

  /// What the processor counted of a counted cell's calls, and what it is above the exact count.
  private func instructionsByPMU(_ samples: [Sample]) -> [Summary] {
    let all = samples.compactMap(\.exact)
    let missing =
      all.isEmpty ? "the samples say nothing of it" : all.first { $0.pmu == nil }?.reason
    let shares = all.compactMap { exact -> Double? in
      guard let enabled = exact.enabledNanoseconds, let running = exact.runningNanoseconds,
        enabled > 0
      else { return nil }
      return Double(running) / Double(enabled)
    }
    func summary(_ name: String, _ value: (ExactCount) -> Double?) -> Summary {
      var summary = Summary(
        name, unit: "count", source: all.first?.source ?? .pmuRead, lowerIsBetter: nil,
        values: missing == nil ? all.compactMap(value) : [], reason: missing)
      summary.runningShare = missing == nil ? shares.min() : nil
      summary.note = missing == nil ? all.first?.note : nil
      return summary
    }
    return [
      summary("pmu_instructions") { $0.pmu.map { Double($0) } },
      summary("pmu_instructions_difference") { $0.difference.map { Double($0) } },
    ]
  }

  /// A counter, and per operation, over the samples that were asked for it.
  private func counters(_ event: NamedEvent, _ samples: [Sample]) -> [Summary] {
    let asked = samples.compactMap { sample in
      sample.counters.first { $0.event == event.name }.map { (sample, $0) }
    }
    let missing = asked.first { $0.1.value == nil }?.1.reason
    let sources = Set(asked.map(\.1.source))
    // Like with like: values of two sources are not one population.
    let why =
      asked.isEmpty
      ? "no sample was asked for it"
      : missing ?? (sources.count > 1 ? "from several sources in different samples" : nil)
    let shares = asked.compactMap(\.1.runningShare)
    func summary(_ name: String, _ unit: String, _ value: (Sample, CounterValue) -> Double?)
      -> Summary
    {
      var summary = Summary(
        name, unit: unit, source: asked.first?.1.source ?? .softwarePerf, lowerIsBetter: true,
        values: why == nil ? asked.compactMap(value) : [], reason: why)
      summary.runningShare = why == nil ? shares.min() : nil
      summary.note = why == nil ? asked.first?.1.note : nil
      return summary
    }
    return [
      summary(event.name, event.unit) { $1.value.map { Double($0) } },
      summary(event.name + "_per_op", event.unit + "/op") { sample, counter in
        guard let value = counter.value, let operations = sample.value("operations"),
          operations > 0
        else { return nil }
        return Double(value) / Double(operations)
      },
    ]
  }

  private func ratios(_ arm: Plan.PlannedCell) -> [Ratio] {
    var ratios: [Ratio] = []
    let base = peer(plan.base, of: arm, calls: .ordinary)
    let null = peer("null", of: arm, calls: arm.cell.calls)
    for metric in ["ns_per_op", "cpu_ns_per_op"] {
      guard let mine = values(metric, arm) else { continue }
      if let base, let theirs = values(metric, base), base.hash != arm.hash {
        ratios.append(Ratio(metric: metric, base: plan.base, arm: mine, base: theirs))
        if let null, null.hash != arm.hash, null.hash != base.hash,
          let loop = values(metric, null)
        {
          ratios.append(
            Ratio(
              metric: metric, base: plan.base, net: "null",
              arm: zip(mine, loop).map { $0 - $1 }, base: zip(theirs, loop).map { $0 - $1 }))
        }
      }
      ratios += arm.cell.controls.compactMap { control(metric, arm, $0) }
    }
    return ratios
  }

  /// The arm of another subject under the same handler; `nil` iff it has no valid sample.
  private func peer(_ subject: String, of arm: Plan.PlannedCell, calls: Calls)
    -> Plan.PlannedCell?
  {
    arms.first {
      $0.cell.subject == subject && $0.cell.handler == arm.cell.handler
        && $0.cell.calls == calls && own.samples[$0.hash] != nil
    }
  }

  /// Against a control cell, block by block; `nil` iff it is no arm here or has no valid sample.
  private func control(_ metric: String, _ arm: Plan.PlannedCell, _ twin: Cell) -> Ratio? {
    guard let planned = arms.first(where: { $0.hash == twin.hash }),
      let mine = values(metric, arm), let theirs = values(metric, planned)
    else { return nil }
    return Ratio(metric: metric, base: twin.id, arm: mine, base: theirs)
  }

  /// A metric's values by block; `nil` iff a sample lacks it or there are none.
  private func values(_ metric: String, _ arm: Plan.PlannedCell) -> [Double]? {
    guard let samples = own.samples[arm.hash],
      let derived = Derived.all.first(where: { $0.name == metric })
    else { return nil }
    var values: [Double] = []
    for sample in samples {
      guard let value = try? derived.value(sample, threads: arm.cell.threads) else { return nil }
      values.append(value)
    }
    return values.isEmpty ? nil : values
  }

  private func counters(_ samples: [Sample]) -> [String: UInt64] {
    var counters: [String: UInt64] = [:]
    for metric in samples.flatMap(\.metrics) where metric.name.hasPrefix("stat.") {
      let isLevel = metric.name.hasSuffix("_now") || metric.name.hasSuffix("_max")
      counters[metric.name] =
        isLevel
        ? max(counters[metric.name] ?? 0, metric.value)
        : (counters[metric.name] ?? 0) &+ metric.value
    }
    return counters
  }
}
