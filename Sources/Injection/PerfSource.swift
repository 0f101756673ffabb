import CPlatform

/// A perf event (perf_event_open(2)) whose overflow signals its own thread: the processor's cycles
/// where there is a PMU, else the kernel's cpu-clock.  It counts in user mode only: an unprivileged
/// process may not have more.  No instant is intended: the thread's own time decides.
@safe struct PerfSource {
  private var file: Int32 = -1
  private let rate: Double
  private let cyclesPerSecond: UInt64
  /// The kernel adapts the period to the rate.
  private let frequency: Bool
  /// The processor's cycles overflow.
  private(set) var usesCycles = false

  init(rate: Double, cyclesPerSecond: UInt64, frequency: Bool) {
    self.rate = rate
    self.cyclesPerSecond = cyclesPerSecond
    self.frequency = frequency
  }

  mutating func open(signal: Int32) -> Int32 {
    let cycles = UInt64(max(1, Double(cyclesPerSecond) / rate))
    file =
      frequency
      ? nl_perf_open_overflow(NL_PERF_CYCLES_FREQUENCY, UInt64(max(1, rate)), signal)
      : nl_perf_open_overflow(NL_PERF_CYCLES_PERIOD, cycles, signal)
    usesCycles = file >= 0
    if !usesCycles {
      file = nl_perf_open_overflow(NL_PERF_CLOCK, UInt64(max(1, 1e9 / rate)), signal)
    }
    return file < 0 ? -file : 0
  }

  func arm() { nl_perf_enable(file) }
  func disarm() { nl_perf_disable(file) }
  func close() { nl_perf_close(file) }
}
