import Foundation

extension ComparisonReport.Line {
  /// Two builds that are the same to the byte.
  public static func identical(_ cell: ComparisonPlan.CellPlan, _ arm: String, _ base: String)
    -> Self
  {
    Self(
      cell: cell.id, metric: cell.metrics.first?.name ?? "ns_per_op", arm: arm, base: base,
      role: .compared, scale: .ratio, ratio: 1, low: 1, high: 1, confidence: nil, blocks: 0,
      blocksDropped: 0,
      margin: cell.metrics.first?.limit ?? 0, layoutSpread: nil, layouts: 1, verdict: .same,
      couldHaveShown: nil, armMedian: nil, baseMedian: nil,
      reason: "identical build, not measured", identical: true)
  }

  /// The verdict in harness.md's words.
  public var words: String {
    let within = "same within ±\(share(margin))"
    switch verdict {
    case .same:
      if identical { return "same (identical build)" }
      let equal = scale == .ratio ? 1.0 : 0
      guard let low, let high, low > equal || high < equal else { return within }
      // It excludes equality: said, though it does not matter.
      let ends = [abs(low - equal), abs(high - equal)].sorted()
      let up = low > equal
      let word = up == isLowerBetter ? "slower" : "faster"
      return "\(within) (\(word) by \(share(ends[0]).dropLast(2))–\(share(ends[1])))"
    case .slower, .faster:
      return verdict.rawValue + (layouts == 1 ? " (1 layout: may be the layout's)" : "")
    case .inconclusive:
      guard let couldHaveShown else { return "inconclusive (\(reason ?? "too few blocks"))" }
      return "inconclusive (could have shown ±\(share(couldHaveShown)))"
    }
  }

  /// Whether more than 2 % of the cell's blocks were dropped.
  public var isVoid: Bool { Double(blocksDropped) > 0.02 * Double(blocks + blocksDropped) }

  private var isLowerBetter: Bool {
    Derived.named(metric)?.lowerIsBetter ?? true
  }
}

/// A share as `2 %`, `0.35 %`: two significant digits, no needless zeros.
public func share(_ value: Double) -> String {
  let percent = abs(value) * 100
  let digits = percent >= 9.95 ? 0 : percent >= 0.995 ? 1 : 2
  var text = String(
    format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), percent)
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return text + " %"
}
