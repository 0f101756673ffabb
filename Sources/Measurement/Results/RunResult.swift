import Statistics
import Traces

/// `result.json`: what a run found, per cell.
public struct RunResult: Codable, Equatable, Sendable {
  public static let schema = "nolock-result/1"
  public static let fileName = "result.json"

  public var schema = RunResult.schema
  /// Name of the run: the last part of its directory.
  public var run: String
  public var suite: String
  public var title: String
  /// The subject that ratios are taken against.
  public var base: String
  public var blocks: Int
  public var seed: UInt64
  public var command: [String]
  /// Ctrl-C: not all blocks were run.
  public var interrupted: Bool
  public var fingerprint: Fingerprint
  /// What the sources deliver on this machine, with a handler that does nothing.
  public var rates: [DeliveredRate]?
  public var cells: [CellResult]

  /// What one cell came to.
  public enum State: String, Codable, Sendable {
    case ok, skipped, failed
    /// Interrupted before the first valid block.
    case incomplete
  }

  /// One cell.
  public struct CellResult: Codable, Equatable, Sendable {
    public var id: String
    public var hash: String
    public var comparison: String
    public var cell: Cell
    public var state: State
    /// Why it is not ok, or what failed among its samples.
    @Explicit public var reason: String?
    /// Operations per thread and sample; null where calibration found none.
    @Explicit public var iterations: UInt64?
    public var blocksValid: Int
    /// Blocks dropped whole because a sample of any arm failed.
    public var blocksDiscarded: Int
    public var samplesFailed: Int
    public var metrics: [Summary]
    public var ratios: [Ratio]
    /// The handlers' calls, pooled over the valid samples; null without any.
    @Explicit public var handlerLatency: Latency?
    /// From the intended instant of an arrival to its handler's end (open loop); null where the
    /// source intends none: perf, breakpoint, probe, step.
    @Explicit public var intendedLatency: Latency?
    /// From a handler's start to its end; null for probe and step, which are no signals.
    @Explicit public var insideLatency: Latency?
    /// The subject's own counters, summed over the valid samples (`_now`, `_max`: the greatest).
    public var counters: [String: UInt64]

    enum CodingKeys: String, CodingKey {
      case id, hash, comparison, cell, state, reason, iterations, metrics, ratios, counters
      case blocksValid = "blocks_valid"
      case blocksDiscarded = "blocks_discarded"
      case samplesFailed = "samples_failed"
      case handlerLatency = "handler_latency"
      case intendedLatency = "intended_latency"
      case insideLatency = "inside_latency"
    }

    /// The summary of a metric; `nil` iff the cell has none of that name.
    public func summary(_ metric: String) -> Summary? {
      metrics.first { $0.metric == metric }
    }
  }

  /// Percentiles of a pooled histogram, in nanoseconds: the highest value of the bucket.
  public struct Latency: Codable, Equatable, Sendable {
    public var count: UInt64
    public var p50: UInt64
    public var p90: UInt64
    public var p99: UInt64
    public var p999: UInt64
    public var max: UInt64

    enum CodingKeys: String, CodingKey {
      case count
      case p50 = "p50_ns"
      case p90 = "p90_ns"
      case p99 = "p99_ns"
      case p999 = "p99_9_ns"
      case max = "max_ns"
    }

    /// - Returns: nil iff nothing was recorded.
    public init?(_ buckets: [Bucket]) {
      var pool = PooledHistogram()
      for bucket in buckets { pool.add(low: bucket.low, width: bucket.width, count: bucket.count) }
      guard let p50 = pool.value(at: 0.5), let p90 = pool.value(at: 0.9),
        let p99 = pool.value(at: 0.99), let p999 = pool.value(at: 0.999), let max = pool.maximum
      else { return nil }
      count = pool.count
      (self.p50, self.p90, self.p99, self.p999, self.max) = (p50, p90, p99, p999, max)
    }

    /// Each with the key it has in JSON.
    public var values: [(name: String, value: UInt64)] {
      [("p50_ns", p50), ("p90_ns", p90), ("p99_ns", p99), ("p99_9_ns", p999), ("max_ns", max)]
    }
  }

  /// Whether a sample failed anywhere.
  public var hasFailures: Bool { cells.contains { $0.samplesFailed > 0 } }
}
