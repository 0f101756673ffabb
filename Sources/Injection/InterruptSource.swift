public import CPlatform
import Glibc

/// What interrupts the foreground threads of a sample.
public enum InterruptKind: UInt32 {
  case none = 0
  case timer = 1
  case perf = 2
  case tgkill = 3
  case breakpoint = 4
  case step = 5
  case probe = 6

  /// Whether arrivals follow a rate and not the foreground's own calls.
  public var hasRate: Bool { self == .timer || self == .perf || self == .tgkill }

  /// The signal it arrives as.
  public var signal: Int32 {
    switch self {
    case .none, .timer, .step, .probe: NL_SIGNAL_TIMER
    case .perf: NL_SIGNAL_PERF
    case .tgkill: NL_SIGNAL_TGKILL
    case .breakpoint: SIGTRAP
    }
  }
}

/// One thread's interrupts.  Plain memory: it lives in the thread's block, where the handler
/// reaches it.
///
/// `open`, `arm`, `disarm` and `close` are called by the thread itself, in this order; `arm` and
/// `disarm` may repeat.  `arrived` is called by the handler and is async-signal-safe.
@safe public struct InterruptSource {
  public let kind: InterruptKind
  var timer: TimerSource
  var perf: PerfSource
  var breakpoint: BreakpointSource
  /// What the storm thread reads: whether this thread wants signals.
  var target: StormTarget

  /// Signals back to back per arrival, and how many of this arrival are still to come.
  private let burst: UInt32
  private var left: UInt32 = 0
  private var thread: Int32 = 0
  /// Nanoseconds from an arrival to the next, in the mean.
  private let period: UInt64

  /// `rate` is arrivals per second; `gaps` gives the Poisson arrivals, nil means periodic;
  /// `functions` are the addresses of `breakpoint`; `cyclesPerSecond` and `frequency` are for
  /// `perf` on a PMU.
  public init(
    kind: InterruptKind, rate: Double, gaps: GapTable?, seed: UInt64, burst: UInt32 = 1,
    functions: Breakpoints = Breakpoints(), cyclesPerSecond: UInt64 = 1_000_000_000,
    frequency: Bool = false
  ) {
    self.kind = kind
    period = rate > 0 ? UInt64(max(1, 1e9 / rate)) : 0
    timer = TimerSource(period: period, gaps: gaps, seed: seed)
    perf = PerfSource(rate: max(rate, 1), cyclesPerSecond: cyclesPerSecond, frequency: frequency)
    target = StormTarget()
    breakpoint = BreakpointSource(functions)
    self.burst = burst
  }

  /// 0, or the errno of the call that this machine refuses.
  public mutating func open() -> Int32 {
    thread = nl_thread_id()
    return switch kind {
    case .none, .step, .probe: 0
    case .timer: timer.open(signal: kind.signal)
    case .perf: perf.open(signal: kind.signal)
    case .tgkill: target.open()
    case .breakpoint: breakpoint.open()
    }
  }

  public mutating func arm() {
    switch kind {
    case .none, .step, .probe: break
    case .breakpoint: breakpoint.arm()
    case .timer: timer.arm()
    case .perf: perf.arm()
    case .tgkill: target.arm()
    }
  }

  public mutating func disarm() {
    switch kind {
    case .none, .step, .probe: break
    case .breakpoint: breakpoint.disarm()
    case .timer: timer.disarm()
    case .perf: perf.disarm()
    case .tgkill: target.disarm()
    }
  }

  public mutating func close() {
    switch kind {
    case .none, .tgkill, .step, .probe: break
    case .breakpoint: breakpoint.close()
    case .timer: timer.close()
    case .perf: perf.close()
    }
  }

  /// Called first thing by the handler: schedules the next arrival where that is by hand, and
  /// returns how many further interrupts this signal stands for.
  public mutating func arrived(_ info: UnsafePointer<siginfo_t>) -> UInt64 {
    if left != 0 {
      // One of a burst: no arrival of its own.
      left &-= 1
      follow()
      return 0
    }
    if burst > 1 {
      left = burst &- 1
      follow()
    }
    if kind == .tgkill { target.arrived() }
    return unsafe kind == .timer ? timer.arrived(info) : 0
  }

  /// Called by the handler instead of `arrived` where it holds the signal off and has it sent again.
  public mutating func heldOff(_ info: UnsafePointer<siginfo_t>) {
    if kind == .timer && left == 0 { unsafe timer.heldOff(info) }
  }

  /// The next of a burst stays pending until this handler returns, then arrives before any
  /// instruction of the foreground.
  private func follow() {
    if left != 0 { _ = nl_signal_send(thread, kind.signal) }
  }

  /// Nanoseconds from this arrival's intended instant to `now`; nil where no instant is intended
  /// (the other sources) and for the rest of a burst.  Async-signal-safe.
  public func lateness(_ now: UInt64) -> UInt64? {
    guard left &+ 1 >= burst else { return nil }
    let intended: UInt64
    if kind == .timer {
      intended = timer.intended
    } else if kind == .tgkill, target.intended != 0 {
      intended = target.intended
    } else {
      return nil
    }
    return now > intended ? now &- intended : 0
  }

  /// Whether a handler that ended so long after the intended instant is late: by more than a period.
  public func isLate(_ lateness: UInt64) -> Bool { lateness > period }

  /// perf: whether the processor's cycles overflow, and not cpu-clock.
  public var usesCycles: Bool { perf.usesCycles }

  /// Why `kind` cannot have Poisson arrivals, if so.
  public static func refusesPoisson(_ kind: InterruptKind) -> String? {
    switch kind {
    case .none, .timer, .tgkill: nil
    case .perf:
      "irq perf: arrivals poisson is not available, its period is fixed; allowed: periodic"
    case .breakpoint, .step, .probe:
      "irq \(kind): arrivals poisson is not available, it has no rate; allowed: periodic"
    }
  }

  /// Installs `handler` for a signal that a thread sends to itself.  0, or errno.
  public static func installSelfSignal(
    _ handler:
      @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?)
      -> Void
  ) -> Int32 {
    unsafe nl_signal_install(NL_SIGNAL_REPLAY, handler)
  }

  /// Installs `handler` for the signal of `kind`.  0, or errno.
  public static func install(
    _ handler:
      @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?)
      -> Void,
    for kind: InterruptKind
  ) -> Int32 {
    unsafe nl_signal_install(kind.signal, handler)
  }
}
