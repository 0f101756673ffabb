/// SplitMix64: the generator of every seeded choice.  Source: Steele, Lea, Flood (2014),
/// constants of Vigna's splitmix64.c.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in 0 ..< 1, 53 bits.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

/// A seed of its own for each part of a plan, from the plan's seed and the part's name.
func derivedSeed(_ seed: UInt64, _ parts: String...) -> UInt64 {
  var generator = SplitMix64(seed: seed ^ fnv1a(parts.joined(separator: "\u{1f}")))
  return generator.next()
}
