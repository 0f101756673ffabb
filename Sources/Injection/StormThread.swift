import CPlatform
import Glibc

/// One foreground thread, as the storm thread sees it.
struct StormTarget {
  private var thread: Int32 = 0
  /// 1 while the thread is in its measured part.
  private var wanted: UInt32 = 0
  /// Signals sent, and arrivals that found one still waiting; written by the storm thread.
  private(set) var sent: UInt64 = 0
  private(set) var merged: UInt64 = 0
  /// The intended instant of the signal that waits for its handler; 0 = none waits.  Set by the
  /// storm thread, taken by the handler.
  private var waiting: UInt64 = 0
  /// The intended instant of the signal that arrived last; 0 = sent before `arm`.
  private(set) var intended: UInt64 = 0

  mutating func open() -> Int32 {
    thread = nl_thread_id()
    return 0
  }

  // Releases pair with the acquire in `send`.
  mutating func arm() {
    unsafe nl_thread_store_release_64(&waiting, 0)
    unsafe nl_thread_store_release_32(&wanted, 1)
  }
  mutating func disarm() { unsafe nl_thread_store_release_32(&wanted, 0) }

  /// One signal for the arrivals from `instant` on, `count` of them.
  mutating func send(_ signal: Int32, at instant: UInt64, count: UInt64) {
    guard unsafe nl_thread_load_acquire_32(&wanted) == 1 else { return }
    // Pairs with the exchange in `arrived`.
    guard unsafe nl_thread_claim_64(&waiting, instant) == 1 else {
      merged &+= count
      return
    }
    merged &+= count &- 1
    if nl_signal_send(thread, signal) == 0 { sent &+= 1 }
  }

  /// In the handler.
  mutating func arrived() { intended = unsafe nl_thread_exchange_64(&waiting, 0) }
}

/// A thread that signals every foreground thread in turn, at one rate.  Open loop: instants that
/// have passed when it looks are one signal, whose delay counts from the first of them.
@safe public struct StormThread {
  /// What the thread reads; it outlives the thread.
  @safe struct Shared {
    var sources: UnsafeMutablePointer<UnsafeMutablePointer<InterruptSource>>
    var count: Int
    var period: UInt64
    var gaps: GapTable?
    var stop = StopRequest()
  }

  private let shared: UnsafeMutablePointer<Shared>
  private let thread: HelperThread

  /// Starts it.  `sources` must stay valid until `end()`.  nil with errno if there is no thread.
  public init?(
    sources: [UnsafeMutablePointer<InterruptSource>], rate: Double, gaps: GapTable?
  ) {
    let list = unsafe UnsafeMutablePointer<UnsafeMutablePointer<InterruptSource>>.allocate(
      capacity: sources.count)
    unsafe list.initialize(from: sources, count: sources.count)
    unsafe shared = .allocate(capacity: 1)
    unsafe shared.initialize(
      to: Shared(
        sources: list, count: sources.count, period: UInt64(max(1, 1e9 / rate)), gaps: gaps))
    let thread = unsafe HelperThread(stop: &shared.pointee.stop, shared) { argument in
      unsafe stormLoop(argument!.assumingMemoryBound(to: Shared.self))
      return nil
    }
    guard let thread else { return nil }
    self.thread = thread
  }

  /// Stops and joins it; returns how many signals it sent.
  public func end() -> UInt64 {
    thread.end()
    return sent()
  }

  /// Signals sent so far, for a difference over the measured part.
  public func sent() -> UInt64 { sum { $0.sent } }

  /// Arrivals so far that found a signal still waiting.
  public func merged() -> UInt64 { sum { $0.merged } }

  private func sum(_ count: (StormTarget) -> UInt64) -> UInt64 {
    var sum: UInt64 = 0
    for index in unsafe 0..<shared.pointee.count {
      unsafe sum &+= count(shared.pointee.sources[index].pointee.target)
    }
    return sum
  }
}

private func stormLoop(_ shared: UnsafeMutablePointer<StormThread.Shared>) {
  // The default slack of 50 µs would halve a rate of 20,000/s.
  nl_signal_timer_slack()
  let count = unsafe shared.pointee.count
  var cursor: UInt64 = 0
  var next = nl_clock_monotonic_ns()
  while unsafe !shared.pointee.stop.isMade() {
    let first = next
    var arrivals: UInt64 = 0
    let now = nl_clock_monotonic_ns()
    repeat {
      arrivals &+= 1
      if let gaps = unsafe shared.pointee.gaps {
        next &+= gaps[cursor]
        cursor &+= 1
      } else {
        unsafe next &+= shared.pointee.period
      }
    } while next <= now
    for index in 0..<count {
      unsafe shared.pointee.sources[index].pointee.target.send(
        NL_SIGNAL_TGKILL, at: first, count: arrivals)
    }
    nl_clock_sleep_until(next)
  }
}
