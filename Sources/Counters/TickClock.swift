import CPlatform

/// Converts ticks of the time stamp counter to nanoseconds: `ticks × multiplier / 2³²`.
public struct TickClock {
  /// Nanoseconds per tick in units of 2⁻³².
  public let multiplier: UInt64
  /// Ticks per second.
  public let frequency: UInt64

  /// Compares the counter with CLOCK_MONOTONIC over `nanoseconds`; 1 ms gives about 1 in 10,000.
  ///
  /// Context: task.  Spins for that time.
  public init(calibratingFor nanoseconds: UInt64) {
    let (startTicks, start) = Self.reading()
    while nl_clock_monotonic_ns() &- start < nanoseconds { nl_clock_relax() }
    let (endTicks, end) = Self.reading()
    let ticks = max(1, endTicks &- startTicks)
    let elapsed = end &- start
    multiplier = UInt64(Double(elapsed) / Double(ticks) * 4_294_967_296)
    frequency = UInt64(Double(ticks) / Double(elapsed) * 1e9)
  }

  /// A pair of readings close together: the best of five, because the thread may be interrupted.
  private static func reading() -> (ticks: UInt64, ns: UInt64) {
    var best = UInt64.max
    var result = (ticks: UInt64(0), ns: UInt64(0))
    for _ in 0..<5 {
      let before = nl_clock_ticks()
      let ns = nl_clock_monotonic_ns()
      let after = nl_clock_ticks()
      if after &- before < best {
        best = after &- before
        result = (before &+ best / 2, ns)
      }
    }
    return result
  }
}
