import CPlatform
import Counters
import Glibc
import Synchronization

/// A perf layer for what no machine here can be made to do: EINTR, EMFILE, few slots, sharing.
/// Its descriptors are real ones of /dev/null.
enum FakePerf {
  struct State {
    /// Events that fit into a group.
    var slots = 8
    var used = 0
    /// Calls that EINTR ends before one goes through.
    var interrupted = 0
    var openError: Int32 = 0
    var readError: Int32 = 0
    /// `1 / ratio` of the time is counted; 0: never.
    var ratio: UInt64 = 1
    var reads: UInt64 = 0
  }

  private static let state = Mutex(State())

  /// Starts anew, with a change.
  static func reset(_ change: (inout sending State) -> Void = { _ in }) {
    state.withLock {
      $0 = State()
      change(&$0)
    }
  }

  /// EINTRs still to come.
  static var interrupted: Int { state.withLock { $0.interrupted } }

  /// Counts 1000 per reading and event, each reading 100 ns after the other.
  static var layer: PerfLayer {
    unsafe PerfLayer(
      open: { _, group in
        let error = FakePerf.state.withLock { state -> Int32 in
          if state.interrupted > 0 {
            state.interrupted -= 1
            return EINTR
          }
          if state.openError != 0 { return state.openError }
          state.used = group < 0 ? 1 : state.used + 1
          return state.used > state.slots ? EINVAL : 0
        }
        return unsafe error != 0 ? -error : Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
      },
      read: { _, words, bytes in
        let (error, reads, ratio) = FakePerf.state.withLock { state -> (Int32, UInt64, UInt64) in
          if state.interrupted > 0 {
            state.interrupted -= 1
            return (EINTR, 0, 0)
          }
          state.reads += 1
          return (state.readError, state.reads, state.ratio)
        }
        guard error == 0 else { return -Int64(error) }
        let count = Int(bytes) / 8 - 3
        unsafe words[0] = UInt64(count)
        unsafe words[1] = 100 * reads
        unsafe words[2] = ratio == 0 ? 0 : 100 * reads / ratio
        for index in 0..<count { unsafe words[3 + index] = 1000 * reads }
        return Int64(bytes)
      })
  }
}
