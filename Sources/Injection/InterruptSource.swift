public import CPlatform

/// What interrupts the foreground threads of a sample.
public enum InterruptKind: UInt32 {
  case none = 0
  case timer = 1
  case perf = 2
  case tgkill = 3

  /// The signal it arrives as.
  public var signal: Int32 {
    switch self {
    case .none, .timer: NL_SIGNAL_TIMER
    case .perf: NL_SIGNAL_PERF
    case .tgkill: NL_SIGNAL_TGKILL
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
  /// What the storm thread reads: whether this thread wants signals.
  var target: StormTarget

  /// `rate` is interrupts per second; `gaps` gives the Poisson arrivals, nil means periodic.
  public init(kind: InterruptKind, rate: Double, gaps: GapTable?, seed: UInt64) {
    self.kind = kind
    let period = rate > 0 ? UInt64(max(1, 1e9 / rate)) : 0
    timer = TimerSource(period: period, gaps: gaps, seed: seed)
    perf = PerfSource(period: period)
    target = StormTarget()
  }

  /// 0, or the errno of the call that this machine refuses.
  public mutating func open() -> Int32 {
    switch kind {
    case .none: 0
    case .timer: timer.open(signal: kind.signal)
    case .perf: perf.open(signal: kind.signal)
    case .tgkill: target.open()
    }
  }

  public mutating func arm() {
    switch kind {
    case .none: break
    case .timer: timer.arm()
    case .perf: perf.arm()
    case .tgkill: target.arm()
    }
  }

  public mutating func disarm() {
    switch kind {
    case .none: break
    case .timer: timer.disarm()
    case .perf: perf.disarm()
    case .tgkill: target.disarm()
    }
  }

  public mutating func close() {
    switch kind {
    case .none, .tgkill: break
    case .timer: timer.close()
    case .perf: perf.close()
    }
  }

  /// Called first thing by the handler: schedules the next arrival where that is by hand, and
  /// returns how many further interrupts this signal stands for.
  public mutating func arrived(_ info: UnsafePointer<siginfo_t>) -> UInt64 {
    unsafe kind == .timer ? timer.arrived(info) : 0
  }

  /// Why `kind` cannot have Poisson arrivals, if so.
  public static func refusesPoisson(_ kind: InterruptKind) -> String? {
    kind == .perf
      ? "irq perf: arrivals poisson is not available, its period is fixed; allowed: periodic" : nil
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
