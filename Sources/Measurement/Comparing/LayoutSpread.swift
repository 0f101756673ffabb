import Foundation
import Statistics

/// How much one arm's layouts differ among themselves.  A layout is a file of its own, so where its
/// pages lie in memory is in it.
struct LayoutSpread {
  /// Greatest less smallest of the layouts' medians, logarithms.
  let spread: Double
  /// The spread less what the noise of so few blocks gives by itself:
  /// `√(spread² − (d·1.2533·σ/√n)²)`, σ from the median absolute deviation within layouts, n the
  /// blocks per layout and d the expected range of that many normal values (1.13, 1.69, 2.06).
  let floor: Double

  /// - Parameters:
  ///   - layouts: by block, what this arm drew; the other arm's are noise here.
  ///   - ratios: logarithms of arm / base by block.
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
