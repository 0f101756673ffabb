import CPlatform
import Glibc
import Injection

/// What a cache line takes from one CPU of the sample to the other and back.
///
/// A hypervisor moves virtual CPUs: one round trip took 99 ns, 330 or 1,000 on the same machine
/// within an hour, and a handoff 6.6 ns, 21 or 60.  Without this number such times cannot be compared.
@safe struct CoreRoundTrip {
  private static let rounds = 32
  private static let batches = 8
  private static let limit: UInt64 = 5_000_000

  @safe struct Shared {
    /// Odd: the partner's turn.  On a page of its own.
    let turn: UnsafeMutablePointer<UInt64>
    var stop = StopRequest()
  }

  private let turn: UnsafeMutablePointer<UInt64>
  private let partner: HelperThread

  /// Nanoseconds, the least of several batches' means, between the first two CPUs that the process
  /// may use; nil iff they did not run at the same time for so long.  Pins the calling thread.
  static func measure() -> UInt64? {
    guard let trip = CoreRoundTrip() else { return nil }
    // After the partner's start: it would inherit this thread's one CPU.
    _ = nl_thread_pin(0)
    let least = trip.least()
    trip.partner.end()
    return least
  }

  /// nil iff there is no thread.
  private init?() {
    let shared = unsafe mapped(Shared.self, count: 1)
    let turn = unsafe mapped(UInt64.self, count: 1)
    unsafe shared.initialize(to: Shared(turn: turn))
    unsafe self.turn = turn
    let partner = unsafe HelperThread(stop: &shared.pointee.stop, shared) { argument in
      unsafe answer(argument!.assumingMemoryBound(to: Shared.self))
      return nil
    }
    guard let partner else { return nil }
    self.partner = partner
  }

  private func least() -> UInt64? {
    let deadline = nl_clock_monotonic_ns() &+ Self.limit
    guard exchange(until: deadline) else { return nil }
    var least = UInt64.max
    for _ in 0..<Self.batches {
      let start = nl_clock_monotonic_ns()
      for _ in 0..<Self.rounds {
        guard exchange(until: deadline) else { return nil }
      }
      least = min(least, (nl_clock_monotonic_ns() &- start) / UInt64(Self.rounds))
    }
    return least
  }

  /// One round trip; false iff the answer is not there in time.
  private func exchange(until deadline: UInt64) -> Bool {
    let next = unsafe turn.pointee &+ 2
    // Pairs with the acquire in `answer`.
    unsafe nl_thread_store_release_64(turn, next &- 1)
    var looks = 0
    // Pairs with the release in `answer`.
    while unsafe nl_thread_load_acquire_64(turn) != next {
      looks &+= 1
      if looks % 1024 == 0, nl_clock_monotonic_ns() > deadline { return false }
    }
    return true
  }
}

/// The partner's part, on the second CPU.
private func answer(_ shared: UnsafeMutablePointer<CoreRoundTrip.Shared>) {
  _ = nl_thread_pin(1)
  let word = unsafe shared.pointee.turn
  while unsafe !shared.pointee.stop.isMade() {
    for _ in 0..<256 {
      let turn = unsafe nl_thread_load_acquire_64(word)
      if turn % 2 == 1 { unsafe nl_thread_store_release_64(word, turn &+ 1) }
    }
  }
}
