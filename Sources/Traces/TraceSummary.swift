/// Everything that `nolock trace show` says about a trace; `nil` = the file does not keep it, and
/// `unavailable` says why.
public struct TraceSummary: Codable, Sendable, Equatable {
  /// A number and its part of a whole, 0…1.
  public struct Part: Codable, Sendable, Equatable {
    public let name: String
    public let count: UInt64
    /// 0…1; 0 of nothing is 0.
    public let share: Double

    init(_ name: String, _ count: UInt64, of whole: UInt64) {
      self.name = name
      self.count = count
      share = whole == 0 ? 0 : Double(count) / Double(whole)
    }
  }

  public struct CPU: Codable, Sendable, Equatable {
    public let cpu: Int
    /// Replayable events: allocations and frees.
    public let events: UInt64
    public let allocations: UInt64
    public let frees: UInt64
  }

  /// From an allocation to its free, of those that the recording frees.
  public struct Lifetimes: Codable, Sendable, Equatable {
    @Explicit public var microseconds: Quantiles?
    /// Replayable events of all CPUs between the two.
    @Explicit public var events: Quantiles?
  }

  public let path: String
  public let source: String
  /// Allocation and free events in the recording, dropped ones included.
  public let recordedEvents: UInt64
  /// Replayable events.
  public let events: UInt64
  public let cpus: [CPU]
  public let durationNanoseconds: UInt64
  public let allocations: UInt64
  /// Frees of recorded allocations: the real frees.
  public let frees: UInt64
  public let localFrees: UInt64
  public let remoteFrees: UInt64
  /// Remote frees of real frees, 0…1; `nil` iff there are no frees.
  @Explicit public var remoteShare: Double?
  public let unfreed: UInt64
  public let nullFrees: UInt64
  public let unknownFrees: UInt64
  @Explicit public var lostFrees: UInt64?
  @Explicit public var failedAllocations: UInt64?
  @Explicit public var lostEvents: UInt64?
  @Explicit public var otherLines: UInt64?
  public let garbageLines: UInt64
  public let garbage: [GarbageLine]
  /// Bytes asked for, all allocations together.
  public let bytesRequested: UInt64
  /// By the kmalloc bucket that would serve them, named by its size; of the allocations.
  public let sizes: [Part]
  /// The ten most frequent exact sizes in bytes; of the allocations.
  public let topSizes: [Part]
  /// Of the replayable events.
  public let contexts: [Part]
  /// `__GFP_ZERO` and `ACCOUNT`; of the allocations.
  public let flags: [Part]
  public let lifetimes: Lifetimes
  /// By property: why it is `nil`.
  public let unavailable: [String: String]

  /// The kernel's kmalloc caches that the allocators here have, in bytes.
  public static let buckets: [UInt32] = [
    8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192,
  ]

  public init(_ trace: Trace, path: String) {
    let tally = trace.tally
    let counts = trace.counts
    self.path = path
    source = trace.source.name
    events = tally.allocations + tally.frees
    recordedEvents =
      events + counts.nullFrees + counts.unknownFrees + (counts.failedAllocations ?? 0)
    durationNanoseconds = counts.durationNanoseconds
    allocations = tally.allocations
    frees = tally.frees
    localFrees = tally.localFrees
    remoteFrees = tally.remoteFrees
    remoteShare = tally.frees == 0 ? nil : Double(tally.remoteFrees) / Double(tally.frees)
    unfreed = tally.live
    nullFrees = counts.nullFrees
    unknownFrees = counts.unknownFrees
    lostFrees = counts.lostFrees
    failedAllocations = counts.failedAllocations
    lostEvents = counts.lostEvents
    otherLines = counts.otherLines
    garbageLines = counts.garbageLines
    garbage = trace.garbage

    var contextCounts = [UInt64](repeating: 0, count: TraceEvent.Context.allCases.count)
    var zeroed: UInt64 = 0
    var accounted: UInt64 = 0
    var cpus: [CPU] = []
    for (cpu, stream) in trace.streams.enumerated() {
      var allocated: UInt64 = 0
      for event in stream {
        contextCounts[Int(event.context.rawValue)] += 1
        if event.isAllocation { allocated += 1 }
        if event.isZeroed { zeroed += 1 }
        if event.isAccounted { accounted += 1 }
      }
      cpus.append(
        CPU(
          cpu: cpu, events: UInt64(stream.count), allocations: allocated,
          frees: UInt64(stream.count) - allocated))
    }
    self.cpus = cpus
    let (all, kept) = (allocations, events)
    contexts = TraceEvent.Context.allCases.map {
      Part($0.name, contextCounts[Int($0.rawValue)], of: kept)
    }
    flags = [Part("ZERO", zeroed, of: all), Part("ACCOUNT", accounted, of: all)]

    let mix = TraceMix(trace).weights
    bytesRequested = mix.reduce(0) { $0 + UInt64($1.key) * $1.value }
    sizes = Self.histogram(mix, of: all)
    topSizes = mix.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10).map {
      Part(String($0.key), $0.value, of: all)
    }
    lifetimes = Lifetimes(trace, allocations: Int(all))
    unavailable = Self.unavailable(trace, tally)
  }

  private static func unavailable(_ trace: Trace, _ tally: Tally) -> [String: String] {
    var reasons: [String: String] = [:]
    let reason = "the raw compact form (.nltrace) does not keep it; .nltrace.gz and the text do"
    for (name, value) in [
      ("lostFrees", trace.counts.lostFrees),
      ("failedAllocations", trace.counts.failedAllocations),
      ("lostEvents", trace.counts.lostEvents), ("otherLines", trace.counts.otherLines),
    ] where value == nil { reasons[name] = reason }
    if trace.timeline == nil { reasons["lifetimes"] = reason }
    if tally.frees == 0 {
      reasons["remoteShare"] = "nothing is freed"
      reasons["lifetimes"] = reasons["lifetimes"] ?? "nothing is freed"
    }
    return reasons
  }

  private static func histogram(_ mix: [UInt32: UInt64], of all: UInt64) -> [Part] {
    var counts = [UInt64](repeating: 0, count: buckets.count + 1)
    for (size, count) in mix {
      counts[buckets.firstIndex { size <= $0 } ?? buckets.count] += count
    }
    let names = buckets.map(String.init) + [">8192"]
    return zip(names, counts).map { Part($0, $1, of: all) }
  }
}

extension TraceSummary.Lifetimes {
  init(_ trace: Trace, allocations: Int) {
    var born = [(position: Int, time: UInt64)](repeating: (0, 0), count: allocations)
    var microseconds: [UInt64] = []
    var between: [UInt64] = []
    var position = 0
    trace.forEachInOrder { _, event, time in
      let id = Int(event.id)
      if event.isAllocation {
        born[id] = (position, time)
      } else {
        microseconds.append((time - born[id].time) / 1000)
        between.append(UInt64(position - born[id].position - 1))
      }
      position += 1
    }
    self.microseconds = Quantiles(microseconds)
    events = Quantiles(between)
  }
}
