import Foundation
import Statistics

/// Every pair and metric of one cell: the finding at the look that decided it, or at the last one.
struct CellFindings {
  struct Entry {
    let pair: ComparisonPlan.Pair
    let metric: ComparisonPlan.Metric
    let finding: Finding?
    let isDecided: Bool
    /// Medians of the metric itself over the blocks that entered.
    let armMedian: Double?
    let baseMedian: Double?
    /// Why there is no finding.
    let reason: String?
    /// The cell goes on without one of the two arms.
    var isAbsent = false
  }

  let entries: [Entry]
  let table: BlockTable

  var isDecided: Bool { entries.allSatisfy(\.isDecided) }

  init(_ plan: ComparisonPlan, _ index: Int, samples: [Sample]) {
    let cell = plan.cells[index]
    let table = BlockTable(plan, cell, samples: samples)
    let looks = cell.schedule?.looks ?? []
    let confidence = cell.schedule?.confidence ?? 0.5
    self.table = table
    var entries: [Entry] = []
    for metric in cell.metrics {
      for pair in plan.pairs {
        entries.append(
          Self.entry(plan, cell, table, metric, pair, looks: looks, confidence: confidence))
      }
    }
    self.entries = entries
  }

  private static func entry(
    _ plan: ComparisonPlan, _ cell: ComparisonPlan.CellPlan, _ table: BlockTable,
    _ metric: ComparisonPlan.Metric, _ pair: ComparisonPlan.Pair, looks: [Int], confidence: Double
  ) -> Entry {
    func nothing(_ reason: String) -> Entry {
      Entry(
        pair: pair, metric: metric, finding: nil, isDecided: false, armMedian: nil,
        baseMedian: nil, reason: reason)
    }
    if let absence = plan.absence(pair, in: cell) {
      return Entry(
        pair: pair, metric: metric, finding: nil, isDecided: true, armMedian: nil,
        baseMedian: nil, reason: absence, isAbsent: true)
    }
    if let reason = cell.reason { return nothing(reason) }
    guard let derived = Derived.named(metric.name) else {
      return nothing("metric \(metric.name) is not known")
    }
    func values(_ arm: Int) -> [Double] {
      table.samples[arm].compactMap { derived.value(of: $0, threads: cell.cell.threads) }
    }
    let arm = values(pair.arm).map {
      pair.role == .plant ? derived.planted($0, metric.threshold) : $0
    }
    let base = values(pair.base)
    guard !arm.isEmpty, arm.count == table.whole.count, base.count == arm.count else {
      return nothing(arm.isEmpty ? "no block" : "a sample has no \(metric.name)")
    }
    guard let ratios = derived.losses(arm, base) else { return nothing("a value is not above 0") }
    // Either side's layouts may differ: a base whose layouts agree says nothing of the arm's.
    let layouts = [pair.arm, pair.base].filter { plan.arms[$0].layouts > 1 }.map { arm in
      table.whole.map { plan.layout(of: arm, in: cell, block: $0) }
    }
    let reached = looks.filter { $0 <= ratios.count }
    func finding(_ count: Int) -> Finding {
      let part = Array(ratios.prefix(count))
      let spreads = layouts.compactMap {
        LayoutSpread(layouts: Array($0.prefix(count)), ratios: part)
      }
      let interval = MedianInterval(part, confidence: confidence)
      return Finding(
        blocks: count, median: median(part) ?? 0, interval: interval.map { $0.low...$0.high },
        floor: spreads.map(\.floor).max() ?? 0, layoutSpread: spreads.map(\.spread).max())
    }
    var last: Finding?
    for look in reached {
      let found = finding(look)
      last = found
      if decided(found, metric, pair, isLast: look == looks.last) {
        return Entry(
          pair: pair, metric: metric, finding: found, isDecided: true,
          armMedian: median(Array(arm.prefix(look))), baseMedian: median(Array(base.prefix(look))),
          reason: nil)
      }
    }
    // Without a look nothing is decided; the median so far is shown without an interval.
    let shown =
      last
      ?? Finding(
        blocks: ratios.count, median: median(ratios) ?? 0, interval: nil, floor: 0,
        layoutSpread: nil)
    return Entry(
      pair: pair, metric: metric, finding: shown, isDecided: false, armMedian: median(arm),
      baseMedian: median(base), reason: nil)
  }

  /// A floor above the margin makes nothing the same before the last look: of few blocks it is
  /// mostly noise, and the less they say the wider it would be.
  private static func decided(
    _ finding: Finding, _ metric: ComparisonPlan.Metric, _ pair: ComparisonPlan.Pair, isLast: Bool
  ) -> Bool {
    let limit = metric.threshold
    return switch pair.role {
    case .compared:
      Verdict(finding, margin: isLast ? max(limit, finding.floor) : limit) != .inconclusive
    case .new: GateVerdict(finding, limit: limit) != .inconclusive
    case .copy: ControlVerdict(copy: finding, limit: limit) != .inconclusive
    case .plant: ControlVerdict(plant: finding, limit: limit) != .inconclusive
    }
  }
}

extension Derived {
  /// By block, how much worse the arm is: logarithms of ratios, or differences.
  ///
  /// - Returns: `nil` iff a ratio is wanted and a value is not above 0.
  func losses(_ arm: [Double], _ base: [Double]) -> [Double]? {
    switch scale {
    case .difference: return zip(arm, base).map { sign * ($0 - $1) }
    case .ratio:
      guard (arm + base).allSatisfy({ $0 > 0 }) else { return nil }
      return zip(arm, base).map { sign * log($0 / $1) }
    }
  }

  /// A loss as it is shown: the ratio or difference of the metric itself.
  func shown(_ loss: Double) -> Double { scale == .ratio ? exp(sign * loss) : sign * loss }

  /// A value of the plant.  What dilation slows is planted in the sample itself; any other metric
  /// is worsened here, by twice the limit: live values and their noise, an assumed change.
  func planted(_ value: Double, _ threshold: Double) -> Double {
    if isDilated { return value }
    return scale == .ratio
      ? value * exp(sign * log(1 + 2 * (exp(threshold) - 1))) : value + sign * 2 * threshold
  }
}
