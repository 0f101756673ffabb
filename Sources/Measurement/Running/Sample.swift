import Traces

/// One sample as `samples.jsonl` keeps it: a line of JSON.
public struct Sample: Codable, Equatable, Sendable {
  /// Version of this record.
  public static let schema = 1

  public var schema = Sample.schema
  /// The cell's id and hash.
  public var cell: String
  public var hash: String
  /// Block number from 0, place of this arm within it from 0, and how often the block was begun
  /// before.
  public var block: Int
  public var position: Int
  public var attempt: Int
  public var seed: UInt64
  public var status: Status
  /// Why it was skipped or failed; `nil` iff it is ok.
  @Explicit public var reason: String?
  /// The signal that ended the process; 9 with a reason that says "watchdog" where it was killed
  /// here.
  @Explicit public var signal: Int32?
  /// When it started, seconds since 1970.
  public var startedAt: Double
  /// Length of the whole process in nanoseconds, start and set-up included.
  public var processNanoseconds: UInt64
  public var metrics: [Metric]
  /// The handlers' calls in nanoseconds.
  public var latency: [Bucket]
  /// To a handler's end: from the intended instant of its arrival (open loop), and from its start.
  public var intendedLatency: [Bucket] = []
  public var insideLatency: [Bucket] = []
  /// The plan's counters that this sample was asked for, and those that cannot be had here.
  public var counters: [CounterValue] = []
  /// Of a counted sample, and only of one.
  public var exact: ExactCount?

  enum CodingKeys: String, CodingKey {
    case schema, cell, hash, block, position, attempt, seed, status, reason, signal, metrics
    case counters, exact
    case startedAt = "started_at_s"
    case processNanoseconds = "process_ns"
    case latency = "handler_latency_ns"
    case intendedLatency = "intended_latency_ns"
    case insideLatency = "inside_latency_ns"
  }

  /// A metric's value; `nil` iff the sample has none of this name.
  public func value(_ name: String) -> UInt64? {
    metrics.first { $0.name == name }?.value
  }

  /// A metric's source; `nil` iff the sample has none of this name.
  public func source(_ name: String) -> Source? {
    metrics.first { $0.name == name }?.source
  }
}

extension Sample {
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    schema = try values.decode(Int.self, forKey: .schema)
    cell = try values.decode(String.self, forKey: .cell)
    hash = try values.decode(String.self, forKey: .hash)
    block = try values.decode(Int.self, forKey: .block)
    position = try values.decode(Int.self, forKey: .position)
    attempt = try values.decode(Int.self, forKey: .attempt)
    seed = try values.decode(UInt64.self, forKey: .seed)
    status = try values.decode(Status.self, forKey: .status)
    reason = try values.decodeIfPresent(String.self, forKey: .reason)
    signal = try values.decodeIfPresent(Int32.self, forKey: .signal)
    startedAt = try values.decode(Double.self, forKey: .startedAt)
    processNanoseconds = try values.decode(UInt64.self, forKey: .processNanoseconds)
    metrics = try values.decode([Metric].self, forKey: .metrics)
    latency = try values.decode([Bucket].self, forKey: .latency)
    // Records from before there were these have none.
    intendedLatency = try values.decodeIfPresent([Bucket].self, forKey: .intendedLatency) ?? []
    insideLatency = try values.decodeIfPresent([Bucket].self, forKey: .insideLatency) ?? []
    counters = try values.decodeIfPresent([CounterValue].self, forKey: .counters) ?? []
    exact = try values.decodeIfPresent(ExactCount.self, forKey: .exact)
  }
}
