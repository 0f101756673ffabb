public import CPlatform

/// What is read instead where perf refuses an event: the same quantity from another source.
public enum CounterFallback: UInt32 {
  case none = 0
  /// The thread's CPU clock, nanoseconds.
  case threadTime = 1
  /// getrusage(2): minor and major page faults, one of them, or both kinds of context switch.
  case faults = 2
  case minorFaults = 3
  case majorFaults = 4
  case switches = 5
}

/// One event of a measured part.
public struct CountedEvent {
  public var event: nl_perf_event
  public var fallback: CounterFallback
  /// Counted by the processor: such events share its slots, and so are a group of their own.
  public var isHardware: Bool

  public init(event: nl_perf_event, fallback: CounterFallback, isHardware: Bool) {
    self.event = event
    self.fallback = fallback
    self.isHardware = isHardware
  }
}

/// What one thread, or several, counted of one event.
public struct EventCount {
  /// errno of opening or reading; 0 where there is a value.  ENODATA: never given a counter.
  public var error: Int32 = 0
  /// Scaled by `timeEnabled / timeRunning` where the event did not count all the time.
  public var value: UInt64 = 0
  public var timeEnabled: UInt64 = 0
  public var timeRunning: UInt64 = 0
  /// Least that two readings one after the other differ: what reading adds to the value.
  public var overhead: UInt64 = 0
  public var byRdpmc = false

  public init() {}

  /// Adds another thread's count.  Times add up; a thread without a value takes it from the sum.
  public mutating func add(_ other: EventCount) {
    if error == 0 { error = other.error }
    value &+= other.value
    timeEnabled &+= other.timeEnabled
    timeRunning &+= other.timeRunning
    overhead &+= other.overhead
    byRdpmc = other.byRdpmc
  }

  /// `raw` as it would be had the event counted all of `enabled`, rounded to the nearest; nil iff
  /// it never ran.
  public static func scaled(_ raw: UInt64, enabled: UInt64, running: UInt64) -> UInt64? {
    if running >= enabled { return raw }
    if running == 0 { return nil }
    let product = raw.multipliedFullWidth(by: enabled)
    // The quotient fits unless the count is absurd: then the largest number says so.
    guard product.high < running else { return .max }
    let (quotient, remainder) = running.dividingFullWidth(product)
    return remainder >= running - remainder ? quotient &+ 1 : quotient
  }
}
