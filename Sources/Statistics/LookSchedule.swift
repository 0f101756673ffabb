/// When a sequential comparison may decide, and with how much error each time.
///
/// Looks at n = 16, 23, 32, 45, … blocks (16·√2^i, rounded); their number K is fixed before the
/// first sample, and each may err with probability alpha / (K·m), so that all together err with at
/// most alpha (Bonferroni), whatever the dependence between looks, cells and metrics.
public struct LookSchedule: Equatable, Sendable, Codable {
  /// The whole error of a run, harness.md's choice.
  public static let alpha = 0.005
  /// Blocks at the first look.
  public static let first = 16

  /// Numbers of blocks at which to look, ascending.
  public let looks: [Int]
  /// Intervals that are decided upon: cells × metrics × arms besides the base.
  public let comparisons: Int
  public let alpha: Double

  /// Every look that `blocks` allows.
  ///
  /// - Returns: `nil` iff `blocks` is negative, `comparisons` is not above 0 or `alpha` is outside
  ///   0 < alpha < 1.  Fewer than 16 blocks give a schedule without looks: nothing is decided.
  public init?(blocks: Int, comparisons: Int, alpha: Double = LookSchedule.alpha) {
    guard blocks >= 0, comparisons > 0, alpha > 0, alpha < 1 else { return nil }
    var looks: [Int] = []
    var index = 0
    while let look = Self.look(index), look <= blocks {
      looks.append(look)
      index += 1
    }
    self.looks = looks
    self.comparisons = comparisons
    self.alpha = alpha
  }

  /// The i-th look, from 0: 16·√2^i rounded; `nil` beyond any sensible number of blocks.
  public static func look(_ index: Int) -> Int? {
    guard (0..<40).contains(index) else { return nil }
    let half = Double(first << (index / 2))
    return Int((index % 2 == 0 ? half : half * squareRoot(2)).rounded())
  }

  /// The confidence of the interval at one look: 1 − alpha / (K·m).
  public var confidence: Double {
    1 - alpha / Double(max(1, looks.count) * comparisons)
  }

  /// Whether this number of blocks is a look.
  public func isLook(_ blocks: Int) -> Bool { looks.contains(blocks) }
}
