import Glibc

/// Exponentially distributed gaps between interrupts, in nanoseconds, drawn once: a handler must
/// not compute logarithms.
@safe public struct GapTable {
  private static let count: UInt64 = 4096
  private let gaps: UnsafeMutablePointer<UInt64>

  /// Gaps of mean 1/`rate` seconds.  The memory stays for the life of the process.
  public init(rate: Double, seed: UInt64) {
    unsafe gaps = .allocate(capacity: Int(Self.count))
    var state = seed | 1
    for index in 0..<Int(Self.count) {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      // (0, 1]: never the logarithm of 0.
      let uniform = Double((state >> 11) + 1) * 0x1p-53
      unsafe gaps[index] = UInt64(max(1, -log(uniform) / rate * 1e9))
    }
  }

  /// The `index`-th gap; the table repeats.  Async-signal-safe.
  subscript(index: UInt64) -> UInt64 { unsafe gaps[Int(truncatingIfNeeded: index % Self.count)] }
}
