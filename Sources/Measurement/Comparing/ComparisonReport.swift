import Foundation
import Traces

/// What a comparison found: `comparison-result.json`, and what the reports print.
public struct ComparisonReport: Codable, Equatable, Sendable {
  public static let schema = "nolock-comparison-result/1"
  public static let fileName = "comparison-result.json"

  /// One arm against another in one metric of one cell.
  public struct Line: Codable, Equatable, Sendable {
    public var cell: String
    public var metric: String
    public var arm: String
    public var base: String
    public var role: ComparisonPlan.Role
    /// Whether the next three are ratios, or differences in the metric's unit.
    public var scale: Derived.Scale
    /// Median of the blocks' arm / base; below 1 = less.  Null where nothing was measured.
    @Explicit public var ratio: Double?
    @Explicit public var low: Double?
    @Explicit public var high: Double?
    /// Confidence of the interval: 1 − alpha/(K·m).
    @Explicit public var confidence: Double?
    public var blocks: Int
    public var blocksDropped: Int
    /// The margin in force as a share, the layout floor included; gate: the limit.
    public var margin: Double
    /// How far the layouts of the arm or of the base differ, the greater, as a share; null with one
    /// layout each.
    @Explicit public var layoutSpread: Double?
    /// Layouts of the arm or the base, the fewer.
    public var layouts: Int
    public var verdict: Verdict
    /// The smallest margin that the interval would fit, as a share.
    @Explicit public var couldHaveShown: Double?
    /// Medians of the metric itself.
    @Explicit public var armMedian: Double?
    @Explicit public var baseMedian: Double?
    /// Why there is no ratio, or what to know besides.
    @Explicit public var reason: String?
    /// The build is the base's to the byte: not measured.
    public var identical: Bool

    enum CodingKeys: String, CodingKey {
      case cell, metric, arm, base, role, scale, ratio, low, high, confidence, blocks, margin,
        layouts
      case verdict, reason, identical
      case blocksDropped = "blocks_dropped"
      case layoutSpread = "layout_spread"
      case couldHaveShown = "could_have_shown"
      case armMedian = "arm_median"
      case baseMedian = "base_median"
    }
  }

  public var schema = ComparisonReport.schema
  public var title: String
  public var command: [String]
  public var interrupted: Bool
  public var seed: UInt64
  public var layoutSeeds: [Int]
  public var lines: [Line]
  public var notes: [String]

  /// Evaluates the samples of a plan; pure: the same samples give the same result.
  public init(_ plan: ComparisonPlan, samples: [Sample], interrupted: Bool) {
    title = plan.title
    command = plan.command
    self.interrupted = interrupted
    seed = plan.seed
    layoutSeeds = plan.layoutSeeds
    notes = plan.arms.filter { !$0.note.isEmpty }.map { "\($0.name): \($0.note)" }
    lines = []
    var isWidened = false
    for (index, cell) in plan.cells.enumerated() {
      let findings = CellFindings(plan, index, samples: samples)
      for entry in findings.entries {
        lines.append(Self.line(plan, cell, entry, dropped: findings.table.dropped.count))
      }
      for equal in plan.equal {
        for metric in cell.metrics { lines.append(Self.line(cell, metric, equal)) }
      }
      let dropped = findings.table.dropped.count
      if dropped > 0 {
        notes.append(
          "\(cell.id): \(dropped) blocks dropped whole: \(findings.table.reason ?? "a failed sample")"
        )
      }
      isWidened = isWidened || findings.entries.contains(where: Self.isWidened)
    }
    if isWidened {
      notes.append(
        "a margin above the one asked for is the layouts': the same code in another file differed "
          + "by as much")
    }
  }

  /// Whether the layout floor is above the margin that was asked for.
  private static func isWidened(_ entry: CellFindings.Entry) -> Bool {
    entry.pair.role == .compared && (entry.finding?.floor ?? 0) > entry.metric.threshold
  }

  private static func line(
    _ plan: ComparisonPlan, _ cell: ComparisonPlan.CellPlan, _ entry: CellFindings.Entry,
    dropped: Int
  ) -> Line {
    let finding = entry.finding
    let base = entry.metric.threshold
    let margin = entry.pair.role == .compared ? max(base, finding?.floor ?? 0) : base
    // A metric of which more is better was turned; it is shown as it is.
    let derived = Derived.named(entry.metric.name)
    func shown(_ loss: Double) -> Double { derived?.shown(loss) ?? loss }
    func share(_ loss: Double) -> Double { derived?.scale == .difference ? loss : exp(loss) - 1 }
    let ends = finding?.interval.map { [shown($0.lowerBound), shown($0.upperBound)] }
    return Line(
      cell: cell.id, metric: entry.metric.name, arm: plan.arms[entry.pair.arm].name,
      base: plan.arms[entry.pair.base].name, role: entry.pair.role,
      scale: derived?.scale ?? .ratio, ratio: finding.map { shown($0.median) }, low: ends?.min(),
      high: ends?.max(),
      confidence: finding?.interval == nil ? nil : cell.schedule?.confidence,
      blocks: finding?.blocks ?? 0, blocksDropped: entry.isAbsent ? 0 : dropped,
      margin: share(margin),
      layoutSpread: finding?.layoutSpread.map(share),
      layouts: min(plan.arms[entry.pair.arm].layouts, plan.arms[entry.pair.base].layouts),
      verdict: finding.map { Verdict($0, margin: margin) } ?? .inconclusive,
      couldHaveShown: finding?.couldHaveShown(derived?.scale ?? .ratio), armMedian: entry.armMedian,
      baseMedian: entry.baseMedian, reason: entry.reason,
      identical: false)
  }

  private static func line(
    _ cell: ComparisonPlan.CellPlan, _ metric: ComparisonPlan.Metric, _ equal: ComparisonPlan.Equal
  ) -> Line {
    Line(
      cell: cell.id, metric: metric.name, arm: equal.name, base: equal.sameAs, role: .compared,
      scale: .ratio, ratio: 1, low: 1, high: 1, confidence: nil, blocks: 0, blocksDropped: 0,
      margin: metric.limit, layoutSpread: nil, layouts: 1, verdict: .same, couldHaveShown: nil,
      armMedian: nil, baseMedian: nil, reason: "identical build, not measured", identical: true)
  }

  /// Whether a line is void: then the run is.
  public var isVoid: Bool { lines.contains(where: \.isVoid) }
}
