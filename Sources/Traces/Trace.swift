/// A kernel allocation trace, ready to be replayed, summarised or written.
///
/// Made by `TraceFile.read`; every value of this type passed `StreamCheck`: ids are 0, 1, 2 … in
/// order of time, each freed at most once and never before its allocation, and no two streams
/// wait for each other.
public struct Trace: Sendable, Equatable {
  /// What kind of recording this was.
  public enum Source: UInt8, Sendable {
    /// A compact file does not say.
    case unknown = 0
    /// `perf script` text.
    case perf = 1
    /// ftrace's `trace` or `trace_pipe` text (also `trace-cmd report`).
    case ftrace = 2

    /// The name in every report.
    public var name: String {
      switch self {
      case .unknown: "compact"
      case .perf: "perf script"
      case .ftrace: "ftrace"
      }
    }
  }

  public let source: Source
  /// `streams[c]` holds the events of CPU `c` in the order of the recording; it may be empty.
  public let streams: [[TraceEvent]]
  /// Order across CPUs and times; `nil` for a raw compact file, which keeps neither.
  public let timeline: Timeline?
  /// What the import saw and left out.
  public let counts: TraceCounts
  /// The first few lines that could not be read; empty for compact files.
  public let garbage: [GarbageLine]

  public init(
    source: Source, streams: [[TraceEvent]], timeline: Timeline?, counts: TraceCounts,
    garbage: [GarbageLine] = []
  ) {
    self.source = source
    self.streams = streams
    self.timeline = timeline
    self.counts = counts
    self.garbage = garbage
  }

  /// Replayable events: allocations, local and remote frees.
  public var eventCount: Int { streams.reduce(0) { $0 + $1.count } }

  /// How often each operation occurs.
  public var tally: Tally {
    var tally = Tally()
    for stream in streams {
      for event in stream {
        switch event.operation {
        case .allocate: tally.allocations += 1
        case .freeLocal: tally.localFrees += 1
        case .freeRemote: tally.remoteFrees += 1
        }
      }
    }
    return tally
  }

  /// Calls `body` with (CPU, event, nanoseconds since the recording's first event) in the order of
  /// time across CPUs; returns false, calling nothing, if the trace has no timeline.
  @discardableResult
  func forEachInOrder(_ body: (Int, TraceEvent, UInt64) -> Void) -> Bool {
    guard let timeline else { return false }
    var next = [Int](repeating: 0, count: streams.count)
    for (cpu, time) in zip(timeline.cpus, timeline.nanoseconds) {
      let cpu = Int(cpu)
      body(cpu, streams[cpu][next[cpu]], time)
      next[cpu] += 1
    }
    return true
  }
}

/// Order of the events across CPUs and their times: one entry per replayable event.
public struct Timeline: Sendable, Equatable {
  /// The CPU whose next event it is.
  public let cpus: [UInt8]
  /// Nanoseconds since the first event of the recording, never decreasing.
  public let nanoseconds: [UInt64]
}

/// How often each operation occurs in a trace.
public struct Tally: Sendable, Equatable {
  public var allocations: UInt64 = 0
  public var localFrees: UInt64 = 0
  public var remoteFrees: UInt64 = 0

  /// Frees of allocations that the recording saw.
  public var frees: UInt64 { localFrees + remoteFrees }
  /// Allocations that the recording never frees.
  public var live: UInt64 { allocations - frees }
}

/// What the import of a recording saw and left out.  `nil` = the raw compact form does not keep it.
public struct TraceCounts: Sendable, Equatable {
  /// First to last allocation event of the recording, in nanoseconds.
  public var durationNanoseconds: UInt64 = 0
  /// Frees of NULL or of `ZERO_SIZE_PTR`: nothing to free, dropped.
  public var nullFrees: UInt64 = 0
  /// Frees of pointers allocated before the recording: dropped.
  public var unknownFrees: UInt64 = 0
  /// Lines that are neither events nor comments.
  public var garbageLines: UInt64 = 0
  /// A pointer allocated again while live: its free was lost; the old one stays live to the end.
  public var lostFrees: UInt64?
  /// Allocations that failed (pointer NULL): dropped.
  public var failedAllocations: UInt64?
  /// Events that the recorder says it lost.
  public var lostEvents: UInt64?
  /// Lines of other events, and of stacks.
  public var otherLines: UInt64?

  /// No file may say more than this, so that sums cannot overflow.
  static let limit: UInt64 = 1 << 60

  public init() {}
}

/// A line that could not be read.
public struct GarbageLine: Sendable, Equatable, Codable {
  /// From 1.
  public let line: Int
  /// What is wrong with it.
  public let reason: String
  /// Its first 80 bytes, control bytes shown as `·`.
  public let text: String
}
