import CNolock
import CPlatform
public import CRecords
import Counters
import Glibc
import Subjects

/// One trial of `nolock run survival`: signals over allocations and frees, until so many were
/// handled and the interrupted thread moved on, or something went wrong.
@safe public struct Trial {
  private let source: TrialSource
  private let work: TrialWork
  private let handler: TrialHandler
  private let signals: UInt64
  private let seed: UInt64
  /// The interrupted thread must do so much, however often it is interrupted; with a handler at
  /// every instruction nearly each call takes a slow path of thousands.
  private var fewestOperations: UInt64 { source == .step ? min(20, max(2, signals / 2500)) : 200 }
  private static let warmUp = 1000
  /// The interrupted thread's, the others' is the next: by the seed, because trials may run side by
  /// side.
  private var processor: UInt32 { UInt32(truncatingIfNeeded: seed >> 32) & 0xff }

  /// nil iff a word is none of the source's, the work's or the handler's.
  public init?(source: String, work: String, handler: String, signals: UInt64, seed: UInt64) {
    guard let source = TrialSource(rawValue: source), let work = TrialWork(rawValue: work),
      let handler = TrialHandler(rawValue: handler)
    else { return nil }
    self.source = source
    self.work = work
    self.handler = handler
    self.signals = signals
    self.seed = seed
  }

  /// Runs it.  0, an exit code of survival.h, or the reason why it cannot be run here.
  ///
  /// Context: the main thread of a process that does nothing else, once.  The process may not
  /// return from here.
  public func run(
    _ subject: Subject, _ progress: UnsafeMutablePointer<nl_survival>
  ) -> (code: Int32, reason: String) {
    let unavailable = Int32(NL_SURVIVAL_EXIT_UNAVAILABLE)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    // A crash is a result: no core file of it.
    unsafe setrlimit(__rlimit_resource_t(UInt32(RLIMIT_CORE.rawValue)), &none)
    if source == .step, nl_step_available() == 0 {
      return (unavailable, "step: single-stepping needs x86_64")
    }
    let clock = TickClock(calibratingFor: 2_000_000)
    _ = unsafe subject.ops.pointee.thread_attach?()
    // These pairs are not in the trial's own count.
    unsafe progress.pointee.pair_ps = pairCost(subject, clock)
    let before = SubjectStatistics(subject)
    let state = unsafe mapped(TrialState.self, count: 1)
    unsafe state.initialize(
      to: TrialState(
        progress: progress,
        calls: Calls(
          subject, nolockCalls: false,
          around: source == .step ? .stepper(onTrialStep) : .nothing),
        subject.ops.pointee, handler: handler, ownSize: source == .step,
        multiplier: clock.multiplier, seed: seed))
    unsafe progress.pointee.handler_calls = UInt64(2 * handler.replaced)
    unsafe progress.pointee.tick_ns = clockCost(clock)
    unsafe nl_thread_set(UnsafeMutableRawPointer(state))
    var foreground = unsafe TrialForeground(
      state, small: source == .step, isInterrupted: true, seed: seed &* 3)
    let partner =
      unsafe work == .mt
      ? TrialPartner(state, &foreground, processor: processor + 1, seed: seed &* 5) : nil
    if work == .mt, partner == nil { return (unavailable, "pthread_create: \(errorText(errno))") }
    // What is made at the first call is not the experiment: no peer survives that.
    for _ in 0..<Self.warmUp { foreground.step(work) }
    unsafe progress.pointee.phase = UInt64(NL_SURVIVAL_RUNS.rawValue)
    if let reason = unsafe interrupt(state, &foreground) { return (unavailable, reason) }
    unsafe nl_thread_store_release_32(&state.pointee.armed, 0)
    unsafe progress.pointee.phase = UInt64(NL_SURVIVAL_ENDED.rawValue)
    let other = partner?.end()
    unsafe state.pointee.releaseAll()
    foreground.releaseAll()
    if let barrier = unsafe subject.ops.pointee.barrier { barrier() }
    let books = unsafe Books(
      allocated: foreground.allocated &+ state.pointee.allocated &+ (other?.allocated ?? 0),
      freed: foreground.freed &+ state.pointee.freed &+ (other?.freed ?? 0))
    unsafe progress.pointee.handler_ns = median(state.pointee.cost)
    if let error = books.error(SubjectStatistics(subject).difference(since: before), subject) {
      unsafe progress.pointee.verdict = UInt64(NL_SURVIVAL_LOST.rawValue)
      return (Int32(NL_SURVIVAL_EXIT_LOST), error)
    }
    unsafe progress.pointee.verdict = UInt64(NL_SURVIVAL_OK.rawValue)
    return (0, "")
  }

  /// The measured part; a reason where the source cannot be set up.
  private func interrupt(
    _ state: UnsafeMutablePointer<TrialState>, _ foreground: inout TrialForeground
  ) -> String? {
    let progress = unsafe state.pointee.progress
    func done() -> Bool {
      unsafe progress.pointee.signals >= signals
        && progress.pointee.operations >= fewestOperations
    }
    if source == .step {
      unsafe nl_thread_store_release_32(&state.pointee.armed, 1)
      while !done() { unsafe step(state, &foreground) }
      return nil
    }
    for number in [NL_SIGNAL_TIMER, NL_SIGNAL_TGKILL] {
      let error = unsafe nl_signal_install(number, onTrialSignal)
      if error != 0 { return "sigaction: \(errorText(error))" }
    }
    unsafe nl_thread_store_release_32(&state.pointee.armed, 1)
    if source == .storm {
      guard
        let storm = unsafe TrialStorm(
          progress, target: nl_thread_id(), processor: processor + 1, seed: seed &* 7)
      else { return "pthread_create: \(errorText(errno))" }
      // After the threads are there: they inherit it.
      _ = nl_thread_pin(processor)
      while !done() { unsafe step(state, &foreground) }
      storm.end()
      return nil
    }
    var timer: timer_t?
    let error = unsafe nl_signal_timer_create(NL_SIGNAL_TIMER, &timer)
    if error != 0 { return "timer_create: \(errorText(error))" }
    let period: UInt64 = source == .t1k ? 1_000_000 : 100_000
    unsafe nl_signal_timer_set(timer, 0, period, period)
    while !done() { unsafe step(state, &foreground) }
    unsafe nl_signal_timer_set(timer, 0, 0, 0)
    return nil
  }

  @inline(__always)
  private func step(
    _ state: UnsafeMutablePointer<TrialState>, _ foreground: inout TrialForeground
  ) {
    foreground.step(work)
    unsafe state.pointee.progress.pointee.operations &+= 1
  }

  /// What reading the clock twice costs, in nanoseconds: the least of 1,000.
  private func clockCost(_ clock: TickClock) -> UInt64 {
    var best = UInt64.max
    for _ in 0..<1000 {
      let start = nl_clock_ticks()
      best = min(best, nl_clock_ticks() &- start)
    }
    let product = best.multipliedFullWidth(by: clock.multiplier)
    return product.high << 32 | product.low >> 32
  }

  /// A pair in task context, in picoseconds; the least, because others use the machine too.
  private func pairCost(_ subject: Subject, _ clock: TickClock) -> UInt64 {
    let ops = unsafe subject.ops.pointee
    let count: UInt64 = 2000
    var best = UInt64.max
    for _ in 0..<21 {
      let start = nl_clock_ticks()
      _ = unsafe pairLoop(ops.kmalloc, ops.kfree, 64, count)
      best = min(best, nl_clock_ticks() &- start)
    }
    return UInt64(Double(best) / Double(count) * 1e12 / Double(clock.frequency))
  }

  private func median(_ cost: LatencyHistogram) -> UInt64 {
    let counts = (0..<LatencyHistogram.bucketCount).map { unsafe cost.counts[$0] }
    let total = counts.reduce(0, &+)
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen &+= count
      if seen * 2 >= total {
        let range = LatencyHistogram.range(index)
        return range.low &+ range.width / 2
      }
    }
    return 0
  }
}

/// What the trial itself counted.
private struct Books {
  let allocated: UInt64
  let freed: UInt64

  /// What does not balance; nil if nothing.  A subject without counters has only the patterns.
  func error(_ statistics: SubjectStatistics, _ subject: Subject) -> String? {
    if allocated != freed { return "allocated \(allocated), freed \(freed)" }
    let names = ["alloc_fast", "alloc_slow", "alloc_large"]
    if let theirs = statistics.sum(names), theirs != allocated {
      return "allocated \(allocated), \(subject.name) counts \(theirs)"
    }
    let frees = ["free_fast", "free_slow", "free_deferred", "free_large"]
    if let theirs = statistics.sum(frees), theirs != freed {
      return "freed \(freed), \(subject.name) counts \(theirs)"
    }
    return nil
  }
}
