/// E-divisive change points of a series, each with a permutation test.
///
/// A split of `x` into `X` (m values) and `Y` (n values) scores
/// `m·n/(m+n) · (2·mean|X−Y| − mean|X−X'| − mean|Y−Y'|)`, means over pairs of distinct values.
public struct ChangePoint: Equatable, Sendable {
  /// Index of the first value of the new regime.
  public let index: Int
  public let statistic: Double
  /// `(1 + permutations that score at least as much) / (1 + permutations)`.
  public let pValue: Double

  /// The best split; the first of equal ones.
  ///
  /// - Parameter smallest: values that each side has at least, 2 or more.
  /// - Returns: `nil` iff there are fewer than `2·smallest` values, `smallest` is below 2, or a
  ///   value is not finite.
  /// - Source: Matteson and James (2014), formula 2.3 with α = 1.
  static func bestSplit(_ values: [Double], smallest: Int) -> (index: Int, statistic: Double)? {
    let count = values.count
    guard smallest >= 2, count >= 2 * smallest, values.allSatisfy(\.isFinite) else { return nil }
    // Pair distances within the left part grow, within the right part shrink, as the split moves.
    var left = 0.0
    var right = 0.0
    for i in 0..<count { for j in 0..<i { right += abs(values[i] - values[j]) } }
    let all = right
    var best: (index: Int, statistic: Double)?
    for split in 1..<count {
      let moved = values[split - 1]
      for i in 0..<(split - 1) { left += abs(values[i] - moved) }
      for i in split..<count { right -= abs(values[i] - moved) }
      guard split >= smallest, count - split >= smallest else { continue }
      let (m, n) = (Double(split), Double(count - split))
      let between = (all - left - right) / (m * n)
      let statistic =
        m * n / (m + n)
        * (2 * between - left / (m * (m - 1) / 2) - right / (n * (n - 1) / 2))
      if statistic > best?.statistic ?? -.infinity { best = (split, statistic) }
    }
    return best
  }

  /// Splits hierarchically: the best split of each segment, kept iff its permutation test is at
  /// most `alpha`; then both halves.  Deterministic for a seed.
  ///
  /// - Returns: change points by index; empty where there are none, and for input that
  ///   `bestSplit` refuses.
  public static func find(
    _ values: [Double], smallest: Int = 5, alpha: Double = 0.01, permutations: Int = 499,
    seed: UInt64 = 1
  ) -> [ChangePoint] {
    var generator = Resampler(seed: seed)
    var found: [ChangePoint] = []
    var open = [0..<values.count]
    while let segment = open.popLast() {
      let part = Array(values[segment])
      guard let split = bestSplit(part, smallest: smallest) else { continue }
      var asMuch = 0
      for _ in 0..<permutations {
        let mixed = part.shuffled(using: &generator)
        let other = bestSplit(mixed, smallest: smallest)?.statistic ?? 0
        // Sums in another order may differ in their last bits.
        if other >= split.statistic - 1e-12 * abs(split.statistic) { asMuch += 1 }
      }
      let pValue = Double(1 + asMuch) / Double(1 + permutations)
      guard pValue <= alpha else { continue }
      let index = segment.lowerBound + split.index
      found.append(ChangePoint(index: index, statistic: split.statistic, pValue: pValue))
      open += [segment.lowerBound..<index, index..<segment.upperBound]
    }
    return found.sorted { $0.index < $1.index }
  }
}
