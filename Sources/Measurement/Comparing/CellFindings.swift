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
    guard let derived = Derived.all.first(where: { $0.name == metric.name }) else {
      return nothing("metric \(metric.name) is not known")
    }
    func values(_ arm: Int) -> [Double] {
      table.samples[arm].compactMap { derived.value(of: $0, threads: cell.cell.threads) }
    }
    let arm = values(pair.arm)
    let base = values(pair.base)
    guard !arm.isEmpty, arm.count == table.whole.count, base.count == arm.count else {
      return nothing(arm.isEmpty ? "no block" : "a sample has no \(metric.name)")
    }
    guard (arm + base).allSatisfy({ $0 > 0 }) else { return nothing("a value is not above 0") }
    let sign = derived.lowerIsBetter == false ? -1.0 : 1.0
    let ratios = zip(arm, base).map { sign * log($0 / $1) }
    let layouts = table.whole.map { plan.layout(of: pair.base, in: cell, block: $0) }
    let reached = looks.filter { $0 <= ratios.count }
    func finding(_ count: Int) -> Finding {
      let part = Array(ratios.prefix(count))
      // A built-in subject against a shared object, or two different ones, are different builds.
      let builds = plan.arms[pair.base].layouts > 1
      let spread =
        builds ? LayoutSpread(layouts: Array(layouts.prefix(count)), ratios: part) : nil
      let interval = MedianInterval(part, confidence: confidence)
      return Finding(
        blocks: count, median: median(part) ?? 0, interval: interval.map { $0.low...$0.high },
        floor: spread?.floor ?? 0, layoutSpread: spread?.spread)
    }
    var last: Finding?
    for look in reached {
      let found = finding(look)
      last = found
      if decided(found, metric, pair) {
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

  private static func decided(
    _ finding: Finding, _ metric: ComparisonPlan.Metric, _ pair: ComparisonPlan.Pair
  ) -> Bool {
    let limit = log(1 + metric.limit)
    return switch pair.role {
    case .compared: Verdict(finding, margin: max(limit, finding.floor)) != .inconclusive
    case .new: GateVerdict(finding, limit: limit) != .inconclusive
    case .copy: ControlVerdict(copy: finding, limit: limit) != .inconclusive
    case .plant: ControlVerdict(plant: finding, limit: limit) != .inconclusive
    }
  }
}

/// How much the base's layouts differ among themselves.
struct LayoutSpread {
  /// Greatest less smallest of the layouts' medians, logarithms.
  let spread: Double
  /// The spread less what the noise of so few blocks gives by itself:
  /// `√(spread² − (d·1.2533·σ/√n)²)`, σ from the median absolute deviation within layouts, n the
  /// blocks per layout and d the expected range of that many normal values (1.13, 1.69, 2.06).
  let floor: Double

  /// - Parameter ratios: logarithms of arm / base by block; the arm's own layouts are noise here.
  /// - Returns: `nil` iff fewer than two layouts have three blocks.
  init?(layouts: [Int], ratios: [Double]) {
    let groups = Dictionary(grouping: zip(layouts, ratios), by: \.0)
      .values.map { $0.map(\.1) }.filter { $0.count >= 3 }
    let medians = groups.compactMap { median($0) }
    guard medians.count >= 2, let low = medians.min(), let high = medians.max() else { return nil }
    spread = high - low
    let deviations = zip(groups, medians).flatMap { group, middle in
      group.map { abs($0 - middle) }
    }
    let sigma = 1.4826 * (median(deviations) ?? 0)
    let perLayout = Double(deviations.count) / Double(groups.count)
    let ranges = [1.13, 1.69, 2.06, 2.33, 2.53, 2.70, 2.85]
    let range = ranges[min(ranges.count - 1, groups.count - 2)]
    let noise = range * 1.2533 * sigma / perLayout.squareRoot()
    floor = (max(0, spread * spread - noise * noise)).squareRoot()
  }
}
