import CPlatform
import Glibc

/// One foreground thread, as the storm thread sees it.
struct StormTarget {
  private var thread: Int32 = 0
  /// 1 while the thread is in its measured part.
  private var wanted: UInt32 = 0
  /// Signals sent; written by the storm thread.
  private(set) var sent: UInt64 = 0

  mutating func open() -> Int32 {
    thread = nl_thread_id()
    return 0
  }

  // Releases pair with the acquire in `send`.
  mutating func arm() { unsafe nl_thread_store_release_32(&wanted, 1) }
  mutating func disarm() { unsafe nl_thread_store_release_32(&wanted, 0) }

  mutating func send(_ signal: Int32) {
    guard unsafe nl_thread_load_acquire_32(&wanted) == 1 else { return }
    if nl_signal_send(thread, signal) == 0 { sent &+= 1 }
  }
}

/// A thread that signals every foreground thread in turn, at one rate.  Closed loop: when it is
/// late it does not catch up, so the achieved rate is what the count says.
@safe public struct StormThread {
  /// What the thread reads; it outlives the thread.
  @safe struct Shared {
    var sources: UnsafeMutablePointer<UnsafeMutablePointer<InterruptSource>>
    var count: Int
    var period: UInt64
    var gaps: GapTable?
    /// 1 asks the thread to end.
    var stop: UInt32
  }

  private let shared: UnsafeMutablePointer<Shared>
  private var thread = pthread_t()

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
        sources: list, count: sources.count, period: UInt64(max(1, 1e9 / rate)), gaps: gaps,
        stop: 0))
    let error = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe stormLoop(argument!.assumingMemoryBound(to: Shared.self))
        return nil
      }, unsafe shared)
    guard error == 0 else {
      errno = error
      return nil
    }
  }

  /// Stops and joins it; returns how many signals it sent.
  public func end() -> UInt64 {
    unsafe nl_thread_store_release_32(&shared.pointee.stop, 1)
    pthread_join(thread, nil)
    return sent()
  }

  /// Signals sent so far, for a difference over the measured part.
  public func sent() -> UInt64 {
    var sent: UInt64 = 0
    for index in unsafe 0..<shared.pointee.count {
      unsafe sent &+= shared.pointee.sources[index].pointee.target.sent
    }
    return sent
  }
}

private func stormLoop(_ shared: UnsafeMutablePointer<StormThread.Shared>) {
  // The default slack of 50 µs would halve a rate of 20,000/s.
  nl_signal_timer_slack()
  let count = unsafe shared.pointee.count
  var cursor: UInt64 = 0
  var next = nl_clock_monotonic_ns()
  // Pairs with the release in `end`.
  while unsafe nl_thread_load_acquire_32(&shared.pointee.stop) == 0 {
    for index in 0..<count {
      unsafe shared.pointee.sources[index].pointee.target.send(NL_SIGNAL_TGKILL)
    }
    if let gaps = unsafe shared.pointee.gaps {
      next &+= gaps[cursor]
      cursor &+= 1
    } else {
      unsafe next &+= shared.pointee.period
    }
    let now = nl_clock_monotonic_ns()
    if next > now { nl_clock_sleep_until(next) } else { next = now }
  }
}
