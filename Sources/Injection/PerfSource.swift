import CPlatform

/// A perf software cpu-clock event (perf_event_open(2)) whose overflow signals its own thread.
/// It counts time in user mode only: an unprivileged process may not have more.
@safe struct PerfSource {
  private var file: Int32 = -1
  /// Nanoseconds of the thread's time between interrupts.
  private let period: UInt64

  init(period: UInt64) { self.period = period }

  mutating func open(signal: Int32) -> Int32 {
    file = nl_perf_open_clock(period, signal)
    return file < 0 ? -file : 0
  }

  func arm() { nl_perf_enable(file) }
  func disarm() { nl_perf_disable(file) }
  func close() { nl_perf_close(file) }
}
