import Foundation

/// From a gate's samples to its lines; arms are base 0, new 1, copy 2, plant 3.
extension GateReport {
  /// Every gated metric of every cell.  Pure: the same samples give the same lines.
  public static func lines(_ plan: ComparisonPlan, samples: [Sample]) -> [Line] {
    var lines: [Line] = []
    for (index, cell) in plan.cells.enumerated() {
      let found = CellFindings(plan, index, samples: samples)
      for var line in timed(cell, found) {
        if line.outcome == .regression {
          line.changes = Explanation(plan, index, samples: samples, found.table).lines
        }
        lines.append(line)
      }
      for metric in cell.counts {
        var line = counted(plan, cell, metric, samples, found.table)
        if line.outcome == .regression {
          line.changes = Explanation(plan, index, samples: samples, found.table).lines
        }
        lines.append(line)
      }
    }
    return lines
  }

  /// Whether a time of the cell is above its hard limit.
  static func isRegressed(_ plan: ComparisonPlan, _ index: Int, samples: [Sample]) -> Bool {
    let found = CellFindings(plan, index, samples: samples)
    return timed(plan.cells[index], found).contains { $0.outcome == .regression }
  }

  private static func timed(_ cell: ComparisonPlan.CellPlan, _ found: CellFindings) -> [Line] {
    let dropped = found.table.dropped.count
    let isVoid = Double(dropped) > 0.02 * Double(found.table.whole.count + dropped)
    return cell.metrics.map { metric in
      var line = timed(cell, metric, found)
      if cell.reason != nil {
        line.outcome = .failed
      } else if isVoid {
        line.outcome = .void
        line.message = "more than 2 % of the blocks were dropped: \(found.table.reason ?? "")"
      }
      return line
    }
  }

  private static func timed(
    _ cell: ComparisonPlan.CellPlan, _ metric: ComparisonPlan.Metric, _ found: CellFindings
  ) -> Line {
    func entry(_ role: ComparisonPlan.Role) -> CellFindings.Entry? {
      found.entries.first { $0.pair.role == role && $0.metric.name == metric.name }
    }
    let derived = Derived.named(metric.name)
    let limit = metric.threshold
    var line = Line(
      cell: cell.id, metric: metric.name,
      limit: derived?.scale == .difference ? limit : metric.limit, isSoft: metric.isSoft,
      blocks: 0, outcome: .void,
      message: cell.reason ?? entry(.new)?.reason ?? "no block", changes: [])
    guard let derived, let new = entry(.new)?.finding, let copy = entry(.copy)?.finding,
      let plant = entry(.plant)?.finding
    else { return line }
    let ends = new.interval.map { [derived.shown($0.lowerBound), derived.shown($0.upperBound)] }
    line.ratio = derived.shown(new.median)
    line.low = ends?.min()
    line.high = ends?.max()
    line.blocks = max(new.blocks, copy.blocks, plant.blocks)
    line.couldHaveShown = new.couldHaveShown(derived.scale)
    let copied = ControlVerdict(copy: copy, limit: limit)
    let planted = ControlVerdict(plant: plant, limit: limit)
    line.copy = copied
    line.plant = planted
    (line.outcome, line.message) = judge(
      GateVerdict(new, limit: limit), copied, planted, new, metric, line)
    return line
  }

  private static func judge(
    _ verdict: GateVerdict, _ copy: ControlVerdict, _ plant: ControlVerdict, _ new: Finding,
    _ metric: ComparisonPlan.Metric, _ line: Line
  ) -> (Outcome, String) {
    func text(_ value: Double) -> String {
      line.scale == .ratio ? share(value) : String(format: "%.3g", value)
    }
    let limit = text(line.limit)
    if copy == .failed {
      return (.void, "control: the copy of the base differs from the base by more than \(limit)")
    }
    if plant == .failed {
      return (.void, "control: a base worsened by twice the limit was not seen above \(limit)")
    }
    let shown = line.couldHaveShown.map { "could have shown ±\(text($0))" } ?? "too few blocks"
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
}
