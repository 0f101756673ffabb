import CPlatform

/// A POSIX timer (timer_create(2), SIGEV_THREAD_ID) that signals its own thread.
@safe struct TimerSource {
  private var timer: timer_t?
  /// Nanoseconds between interrupts.
  private let period: UInt64
  /// Poisson arrivals: the gaps, where this thread is in them, and its next instant.
  private let gaps: GapTable?
  private var cursor: UInt64
  private var next: UInt64 = 0
  /// The intended instant of the signal that arrived last; of several that it stands for, the
  /// first: so a late handler's delay counts in full (open loop).
  private(set) var intended: UInt64 = 0
  /// Class hardirq: expirations of signals that were held off, and whether one is.
  private var held: UInt64 = 0
  private var isHeld = false

  init(period: UInt64, gaps: GapTable?, seed: UInt64) {
    self.period = period
    self.gaps = gaps
    cursor = seed
  }

  mutating func open(signal: Int32) -> Int32 {
    unsafe nl_signal_timer_create(signal, &timer)
  }

  /// The first expiry has a random phase, so that threads are not interrupted together and so many
  /// interrupts are expected as rate × time says.
  mutating func arm() {
    if let gaps {
      next = nl_clock_monotonic_ns() &+ gaps[cursor]
      cursor &+= 1
      unsafe nl_signal_timer_set(timer, 1, next, 0)
    } else {
      cursor = cursor &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      next = nl_clock_monotonic_ns() &+ 1 &+ (cursor >> 33) % period
      held = 0
      isHeld = false
      unsafe nl_signal_timer_set(timer, 1, next, period)
    }
  }

  func disarm() { unsafe nl_signal_timer_set(timer, 0, 0, 0) }

  func close() { _ = unsafe timer_delete(timer) }

  /// In the handler, where the signal is held off and will be sent again without its own information.
  mutating func heldOff(_ info: UnsafePointer<siginfo_t>) {
    held &+= unsafe UInt64(nl_signal_overrun(info)) &+ (isHeld ? 1 : 0)
    isHeld = true
  }

  /// In the handler.  Poisson: instants that have passed already are one signal, as the kernel does
  /// with a periodic timer; otherwise a thread that cannot keep up would do nothing else.
  mutating func arrived(_ info: UnsafePointer<siginfo_t>) -> UInt64 {
    intended = next
    guard let gaps else {
      var missed = unsafe UInt64(nl_signal_overrun(info))
      if isHeld {
        // Sent again by hand, it is no expiration itself.
        missed &+= held &+ (unsafe nl_signal_is_timer(info) == 1 ? 1 : 0)
        held = 0
        isHeld = false
      }
      next &+= period &* (missed &+ 1)
      return missed
    }
    let now = nl_clock_monotonic_ns()
    var missed: UInt64 = 0
    next &+= gaps[cursor]
    cursor &+= 1
    while next <= now {
      next &+= gaps[cursor]
      cursor &+= 1
      missed &+= 1
    }
    unsafe nl_signal_timer_set(timer, 1, next, 0)
    return missed
  }
}
