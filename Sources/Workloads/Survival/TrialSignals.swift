import CPlatform
import CRecords
import Glibc
import Injection

/// Where a trial's signals come from.
enum TrialSource: String {
  /// A POSIX timer on the interrupted thread, 1,000 and 10,000 times a second.
  case t1k, t10k
  /// Another thread that sends the next one a random while after the last was handled.
  case storm
  /// After every instruction of the allocator's calls: the trap flag.
  case step
}

/// The handler of timers and storms.
func onTrialSignal(
  _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let raw = unsafe nl_thread_get() else { return }
  let saved = nl_signal_errno()
  let state = unsafe raw.assumingMemoryBound(to: TrialState.self)
  if unsafe nl_thread_load_acquire_32(&state.pointee.armed) == 1 { unsafe state.pointee.signal() }
  nl_signal_set_errno(saved)
}

/// The handler of `step`: runs in the stepper's own, before each instruction of a call.
func onTrialStep(_ context: UnsafeMutableRawPointer?, _ boundary: Int, _ rip: UInt) -> Int32 {
  guard let raw = unsafe nl_thread_get() else { return 1 }
  let state = unsafe raw.assumingMemoryBound(to: TrialState.self)
  // The clean-up runs at full speed.
  guard unsafe nl_thread_load_acquire_32(&state.pointee.armed) == 1 else { return 1 }
  unsafe state.pointee.signal()
  return 0
}

/// A thread that signals another, paced by the signals handled.
///
/// It shares no processor with its target where there are two: three threads that compute on two
/// processors were seen to need ten times as long, most of it waiting for the target's turn.
@safe struct TrialStorm {
  @safe struct Shared {
    let progress: UnsafeMutablePointer<nl_survival>
    let target: Int32
    let processor: UInt32
    var random: UInt64
    var stop = StopRequest()
  }

  private let shared: UnsafeMutablePointer<Shared>
  private let thread: HelperThread

  /// nil with errno if there is no thread.
  init?(
    _ progress: UnsafeMutablePointer<nl_survival>, target: Int32, processor: UInt32, seed: UInt64
  ) {
    unsafe shared = unsafe mapped(Shared.self, count: 1)
    unsafe shared.initialize(
      to: Shared(progress: progress, target: target, processor: processor, random: seed | 1))
    let thread = unsafe HelperThread(stop: &shared.pointee.stop, shared) { argument in
      unsafe storm(argument!.assumingMemoryBound(to: Shared.self))
      return nil
    }
    guard let thread else { return nil }
    self.thread = thread
  }

  func end() { thread.end() }
}

/// Ticks, some 25 µs: a target that runs has handled its signal by then.
private let longestSpin: UInt64 = 1 << 16

private func storm(_ shared: UnsafeMutablePointer<TrialStorm.Shared>) {
  let progress = unsafe shared.pointee.progress
  nl_signal_timer_slack()
  // Where it cannot be done the storm is slower, nothing else.
  _ = unsafe nl_thread_pin(shared.pointee.processor)
  while unsafe !shared.pointee.stop.isMade() {
    let handled = unsafe nl_thread_load_acquire_64(&progress.pointee.signals)
    _ = unsafe nl_signal_send(shared.pointee.target, NL_SIGNAL_TGKILL)
    let sent = nl_clock_ticks()
    while unsafe nl_thread_load_acquire_64(&progress.pointee.signals) == handled,
      unsafe !shared.pointee.stop.isMade()
    {
      nl_clock_relax()
      // The target does not run, and this thread may be what is in its way.
      if nl_clock_ticks() &- sent > longestSpin {
        nl_clock_sleep_until(nl_clock_monotonic_ns() &+ 50_000)
      }
    }
    unsafe nextRandom(&shared.pointee.random)
    // Up to 2¹⁶ ticks, some 25 µs.
    let gap = unsafe shared.pointee.random &>> 48
    let start = nl_clock_ticks()
    while nl_clock_ticks() &- start < gap { nl_clock_relax() }
  }
}
