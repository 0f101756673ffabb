import Foundation
import Statistics

/// Results on disk against each other: not side by side, so their intervals are those of two
/// separate medians, and nothing is gated by them.
public enum StoredComparison {
  /// - Throws: `void` with the differing fields where machine or harness do not match and a field
  ///   is not `allowed`; `void` where no cell is in both; `notFound`, `usage` for unreadable files.
  public static func result(
    _ directories: [String], margin: Double, allowed: [String], command: [String]
  ) throws(Failure) -> ComparisonReport {
    var plans: [Plan] = []
    var samples: [[Sample]] = []
    for directory in directories {
      plans.append(try Plan.read(directory: directory))
      samples.append(try SampleLog.read(directory: directory))
    }
    for index in plans.indices.dropFirst() {
      var fields = plans[index].fingerprint.differences(from: plans[0].fingerprint)
      if plans[index].seed != plans[0].seed { fields.append("seed") }
      fields.removeAll(where: allowed.contains)
      guard fields.isEmpty else {
        throw Failure(
          .void,
          "\(directories[index]) and \(directories[0]) differ in "
            + fields.joined(separator: ", ") + " (--allow FIELD compares all the same)")
      }
    }
    var lines: [ComparisonReport.Line] = []
    let cells = plans[0].cells.filter { cell in
      plans.dropFirst().contains { $0.cells.contains(cell) }
    }
    let decisions = max(1, cells.count * (plans.count - 1))
    // Two intervals, each may err with half of its share.
    let confidence = 1 - LookSchedule.alpha / Double(2 * decisions)
    for cell in cells {
      let base = values(cell, plans[0], samples[0])
      for index in plans.indices.dropFirst() where plans[index].cells.contains(cell) {
        let arm = values(cell, plans[index], samples[index])
        lines.append(
          line(
            cell, arm, base, directories[index], directories[0], margin: margin,
            confidence: confidence))
      }
    }
    guard !lines.isEmpty else { throw Failure(.void, "no cell is in two of the folders") }
    var result = ComparisonReport(
      title: "\(directories.dropFirst().joined(separator: ", ")) against \(directories[0])",
      command: command, lines: lines)
    result.notes = [
      "stored times, not measured side by side: a drift of the machine between the runs is in them"
    ]
    if !allowed.isEmpty {
      result.notes.append("allowed to differ: \(allowed.joined(separator: ", "))")
    }
    return result
  }

  private static func values(_ cell: Cell, _ plan: Plan, _ samples: [Sample]) -> [Double] {
    guard let comparison = plan.comparisons.first(where: { $0.id == cell.comparison }),
      let derived = Derived.named("ns_per_op")
    else { return [] }
    let valid = Blocks(samples).sorted(comparison).samples[cell.hash] ?? []
    return valid.compactMap { derived.value(of: $0, threads: cell.threads) }
  }

  private static func line(
    _ cell: Cell, _ arm: [Double], _ base: [Double], _ name: String, _ against: String,
    margin: Double, confidence: Double
  ) -> ComparisonReport.Line {
    let a = MedianInterval(arm.map { log($0) }, confidence: confidence)
    let b = MedianInterval(base.map { log($0) }, confidence: confidence)
    let middle = median(arm.map { log($0) }).flatMap { top in
      median(base.map { log($0) }).map { top - $0 }
    }
    let interval = a.flatMap { a in b.map { (a.low - $0.high)...(a.high - $0.low) } }
    let finding = Finding(
      blocks: min(arm.count, base.count), median: middle ?? 0, interval: interval, floor: 0,
      layoutSpread: nil)
    return ComparisonReport.Line(
      cell: cell.id, metric: "ns_per_op", arm: name, base: against, role: .compared,
      scale: .ratio, ratio: middle.map { exp($0) }, low: interval.map { exp($0.lowerBound) },
      high: interval.map { exp($0.upperBound) }, confidence: interval == nil ? nil : confidence,
      blocks: finding.blocks, blocksDropped: 0, margin: margin, layoutSpread: nil, layouts: 1,
      verdict: Verdict(finding, margin: log(1 + margin)), couldHaveShown: finding.couldHaveShown(),
      armMedian: median(arm), baseMedian: median(base),
      reason: middle == nil ? "no valid block" : interval == nil ? "too few blocks" : nil,
      identical: false)
  }
}

extension ComparisonReport {
  init(title: String, command: [String], lines: [Line]) {
    self.title = title
    self.command = command
    self.lines = lines
    interrupted = false
    seed = 0
    layoutSeeds = []
    notes = []
  }
}
