import CPlatform
import Counters
import Glibc
import Injection

/// Everything of one foreground thread, in mapped memory that its handlers reach through one
/// thread-local pointer.
@safe struct ThreadBlock {
  let index: Int
  let shared: UnsafeMutablePointer<SharedState>
  var thread = pthread_t()
  var counts = Counts()
  var source: InterruptSource
  var second: InterruptSource
  /// A handler of this thread runs.
  var inHandler = false
  /// To its handler's end: from the intended instant of an arrival, and from the handler's start.
  let lateness = LatencyHistogram()
  let inside = LatencyHistogram()
  /// probe: handlers run at each point; nil for other sources.
  let probes: UnsafeMutablePointer<UInt64>?
  /// 1 between arming and disarming; a signal outside is not the sample's.
  var armed: UInt32 = 0
  /// Objects for this thread: from another thread's handler to its foreground, and to its handler.
  var toForeground = HandoffRing()
  var toHandler = HandoffRing()
  var traffic: HandlerTraffic
  var replay = ReplayState()
  /// pair: objects kept alive; churn: the live set; batch, kunit: the batch; larson: the slots that
  /// are this thread's at the moment.
  var objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let objectCount: Int
  /// batch: in which order to free; empty means in the order of allocation.
  let order: UnsafeMutablePointer<UInt32>?
  /// handoff: the ring between this thread and its partner, and whether it frees.
  let transfer: TransferRing?
  let receives: Bool
  /// larson: where slots are passed on, and operations until then.
  let exchange: SlotExchange?
  var generationLeft: UInt64 = 0
  /// kunit: batches done.
  var rounds: UInt64 = 0
  /// State of the churn's xorshift generator.
  var random: UInt64
  /// errno of what could not be set up, 0 if all could, and which of `SetUp`.
  var setUpError: Int32 = 0
  var setUpStep: SetUp = .none
  var timing = Timing()
  var counters = ThreadCounters()

  enum SetUp: UInt32 { case none, pin, interrupts }
}

/// One thread's measured part.
struct Timing {
  /// CLOCK_MONOTONIC, nanoseconds.
  var start: UInt64 = 0
  var end: UInt64 = 0
  var cpu: UInt64 = 0
  var ticks: UInt64 = 0
  var usage = ThreadUsage()
}

/// What the main thread tells the foreground threads.
enum Command: UInt32 {
  case prepare, run
  /// Handlers' objects into their steady state.
  case prime
  /// replay: what a pass leaves is freed; the handlers keep theirs.
  case endPass
  case cleanUp, quit
}

/// What all threads of a sample read; written by the main thread while they wait.
@safe struct SharedState {
  let plan: LoopPlan
  let calls: Calls
  let threads: Int
  let attach: (@convention(c) () -> Int32)?
  let detach: (@convention(c) () -> Void)?
  var command: Command = .prepare
  /// Operations per thread of the next run.
  var operations: UInt64 = 0
  /// Repeat them until this much time has passed.
  var minimumNanoseconds: UInt64 = 0
  var gate = Gate()
}

/// The part of a plan that the loops need: trivial values only.
@safe struct LoopPlan {
  let workload: Workload
  let pin: Bool
  let batch: Int
  let live: Int
  let mix: SizeTable
  /// Interrupts are on at all; and their handler allocates.
  let interrupted: Bool
  let handlerAllocates: Bool
  let maskable: Bool
  /// Objects carry a pattern that is checked (not with `null`, which has one object).
  let checked: Bool
  /// The foreground checks its objects inside the loop, as a storm does.
  let checkedLoop: Bool
  let replayContexts: Bool
  let dilation: Double
  let dilationChunk: UInt64
  let schedule: ReplaySchedule?
  let events: EventTable
}
