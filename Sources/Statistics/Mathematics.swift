import Glibc

/// The C library's functions under names that do not hide Swift's.
func naturalLogarithm(_ x: Double) -> Double { Glibc.log(x) }
func exponential(_ x: Double) -> Double { Glibc.exp(x) }
func squareRoot(_ x: Double) -> Double { x.squareRoot() }

/// `ln C(n, k)`; by sums of logarithms, so that large n does not overflow.
func logChoose(_ n: Int, _ k: Int) -> Double {
  var logarithm = 0.0
  for i in 0..<min(k, n - k) { logarithm += naturalLogarithm(Double(n - i) / Double(i + 1)) }
  return logarithm
}

/// A generator of the permutations and resamples of this module: SplitMix64 (Steele, Lea, Flood,
/// 2014), so that a seed gives the same result everywhere.
struct Resampler: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
