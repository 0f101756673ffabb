import Foundation

/// What a gate found.
public struct GateReport: Codable, Equatable, Sendable {
  public static let schema = "nolock-gate/1"
  public static let fileName = "gate.json"

  /// How one gated metric of one cell ended.
  public enum Outcome: String, Codable, Sendable {
    case pass, improvement, warning, regression, inconclusive, void, failed
  }

  public struct Line: Codable, Equatable, Sendable {
    public var cell: String
    public var metric: String
    /// The limit as a share; 0 for a count.
    public var limit: Double
    public var isSoft: Bool
    @Explicit public var ratio: Double?
    @Explicit public var low: Double?
    @Explicit public var high: Double?
    public var blocks: Int
    public var outcome: Outcome
    @Explicit public var copy: ControlVerdict?
    @Explicit public var plant: ControlVerdict?
    /// What happened, in words.
    public var message: String
    /// What changed in the allocator's own counters, per operation.
    public var changes: [String]
  }

  public var schema = GateReport.schema
  public var against: String
  public var new: String
  public var lines: [Line]
  public var notes: [String] = []

  public init(against: String, new: String, lines: [Line]) {
    self.against = against
    self.new = new
    self.lines = lines
  }

  /// The exit code: 2 > 8 > 3 > 7 > 4 > 0; nothing gated is void.
  public func status(failOnImprovement: Bool) -> ExitStatus {
    if lines.contains(where: { $0.outcome == .regression }) { return .regression }
    if lines.isEmpty || lines.contains(where: { $0.outcome == .void }) { return .void }
    if lines.contains(where: { $0.outcome == .failed }) { return .sampleFailed }
    if lines.contains(where: { $0.outcome == .inconclusive }) { return .inconclusive }
    if failOnImprovement, lines.contains(where: { $0.outcome == .improvement }) {
      return .improvement
    }
    return .ok
  }

  /// The lines of a measured gate; arms are base 0, new 1, copy 2, plant 3.
  public static func lines(_ plan: ComparisonPlan, samples: [Sample], limits: Limits) -> [Line] {
    var lines: [Line] = []
    for (index, cell) in plan.cells.enumerated() {
      let found = CellFindings(plan, index, samples: samples)
      let isVoid =
        Double(found.table.dropped.count)
        > 0.02 * Double(found.table.whole.count + found.table.dropped.count)
      for metric in cell.metrics {
        var line = timed(cell, metric, found)
        if cell.reason != nil { line.outcome = .failed } else if isVoid {
          line.outcome = .void
          line.message = "more than 2 % of the blocks were dropped: \(found.table.reason ?? "")"
        }
        if line.outcome == .regression { line.changes = changes(found.table) }
        lines.append(line)
      }
      for rule in limits.rules where rule.exact && rule.matches(cell.id) {
        lines.append(counted(cell, rule.metric, found.table))
      }
    }
    return lines
  }

  private static func timed(
    _ cell: ComparisonPlan.CellPlan, _ metric: ComparisonPlan.Metric, _ found: CellFindings
  ) -> Line {
    func entry(_ role: ComparisonPlan.Role) -> Finding? {
      found.entries.first { $0.pair.role == role && $0.metric.name == metric.name }?.finding
    }
    var line = Line(
      cell: cell.id, metric: metric.name, limit: metric.limit, isSoft: metric.isSoft, blocks: 0,
      outcome: .void, message: cell.reason ?? "no block", changes: [])
    guard let new = entry(.new), let copy = entry(.copy), let plant = entry(.plant) else {
      return line
    }
    let limit = log(1 + metric.limit)
    let turned =
      Derived.all.first { $0.name == metric.name }?.lowerIsBetter == false ? -1.0 : 1.0
    let ends = new.interval.map { [exp(turned * $0.lowerBound), exp(turned * $0.upperBound)] }
    line.ratio = exp(turned * new.median)
    line.low = ends?.min()
    line.high = ends?.max()
    line.blocks = max(new.blocks, copy.blocks, plant.blocks)
    let copied = ControlVerdict(copy: copy, limit: limit)
    let planted = ControlVerdict(plant: plant, limit: limit)
    line.copy = copied
    line.plant = planted
    (line.outcome, line.message) = judge(
      GateVerdict(new, limit: limit), copied, planted, new, metric)
    return line
  }

  private static func judge(
    _ verdict: GateVerdict, _ copy: ControlVerdict, _ plant: ControlVerdict, _ new: Finding,
    _ metric: ComparisonPlan.Metric
  ) -> (Outcome, String) {
    let limit = share(metric.limit)
    if copy == .failed {
      return (.void, "control: the copy of the base differs from the base by more than \(limit)")
    }
    if plant == .failed {
      return (.void, "control: a base slowed by twice the limit was not seen above \(limit)")
    }
    let shown = new.couldHaveShown.map { "could have shown ±\(share($0))" } ?? "too few blocks"
    if copy == .inconclusive || plant == .inconclusive {
      let which = copy == .inconclusive ? "copy" : "plant"
      return (.inconclusive, "control: the \(which) straddles the limit; \(shown)")
    }
    switch verdict {
    case .regression where metric.isSoft: return (.warning, "above the soft limit of \(limit)")
    case .regression: return (.regression, "above the limit of \(limit)")
    case .improvement: return (.improvement, "better by more than \(limit)")
    case .inconclusive: return (.inconclusive, "straddles the limit of \(limit); \(shown)")
    case .pass:
      if let soft = metric.soft, let interval = new.interval, interval.lowerBound > log(1 + soft) {
        return (.warning, "above the soft limit of \(share(soft)), below \(limit)")
      }
      return (.pass, "below the limit of \(limit)")
    }
  }

  /// A count of the first whole block: one sample of each arm decides.  The controls are the copy,
  /// which must be equal, and the base's count with 1 added, which must not pass.
  private static func counted(
    _ cell: ComparisonPlan.CellPlan, _ metric: String, _ table: BlockTable
  ) -> Line {
    var line = Line(
      cell: cell.id, metric: metric, limit: 0, isSoft: false, blocks: min(1, table.whole.count),
      outcome: .void, message: "no block", changes: [])
    if let reason = cell.reason {
      line.outcome = .failed
      line.message = reason
      return line
    }
    guard table.samples.count > 2, let first = table.samples[0].first,
      let second = table.samples[1].first, let third = table.samples[2].first
    else { return line }
    guard let base = first.value(metric), let new = second.value(metric),
      let copy = third.value(metric)
    else {
      line.message = "the samples have no \(metric): not measured here"
      return line
    }
    line.ratio = base > 0 ? Double(new) / Double(base) : nil
    line.copy = compareCounts(base, copy) == .pass ? .held : .failed
    line.plant = compareCounts(base, base &+ 1) == .regression ? .held : .failed
    guard line.copy == .held, line.plant == .held else {
      line.message = "control: \(metric) is \(base) and \(copy) for the same code"
      return line
    }
    line.outcome = compareCounts(base, new)
    line.message = new == base ? "\(base), equal" : "\(base) → \(new)"
    return line
  }

  static func compareCounts(_ base: UInt64, _ new: UInt64) -> Outcome {
    new == base ? .pass : new > base ? .regression : .improvement
  }

  /// Counters whose rate per operation differs by more than a tenth and one in a million.
  private static func changes(_ table: BlockTable) -> [String] {
    func rates(_ samples: [Sample]) -> [String: Double] {
      var sums: [String: Double] = [:]
      var operations = 0.0
      for sample in samples {
        operations += Double(sample.value("operations") ?? 0)
        for metric in sample.metrics where metric.name.hasPrefix("stat.") {
          sums[metric.name, default: 0] += Double(metric.value)
        }
      }
      return operations > 0 ? sums.mapValues { $0 / operations } : [:]
    }
    let base = rates(table.samples[0])
    let new = rates(table.samples[1])
    return Set(base.keys).union(new.keys).sorted().compactMap { name in
      let (old, now) = (base[name] ?? 0, new[name] ?? 0)
      if name.hasSuffix("_now") || name.hasSuffix("_max") { return nil }
      guard abs(now - old) > max(1e-6, 0.1 * max(old, now)) else { return nil }
      return String(
        format: "%@ per operation: %.6f → %.6f", locale: Locale(identifier: "en_US_POSIX"),
        String(name.dropFirst(5)), old, now)
    }
  }
}

extension GateReport.Line {
  init(
    cell: String, metric: String, limit: Double, isSoft: Bool, blocks: Int,
    outcome: GateReport.Outcome, message: String, changes: [String]
  ) {
    self.init(
      cell: cell, metric: metric, limit: limit, isSoft: isSoft, ratio: nil, low: nil, high: nil,
      blocks: blocks, outcome: outcome, copy: nil, plant: nil, message: message, changes: changes)
  }

  /// A cell whose builds are the same to the byte.
  public static func identical(_ cell: String, _ metric: ComparisonPlan.Metric) -> Self {
    Self(
      cell: cell, metric: metric.name, limit: metric.limit, isSoft: metric.isSoft, blocks: 0,
      outcome: .pass, message: "identical build, not measured", changes: [])
  }
}
