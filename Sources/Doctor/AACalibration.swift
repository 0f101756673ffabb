import Foundation
public import Measurement
import Statistics
import Traces

/// What this machine can tell apart: two equal arms, run as blocks, looked at as the gate does.
public struct AACalibration: Codable, Equatable, Sendable {
  /// How often equal arms were called different.
  public struct FalseAlarms: Codable, Equatable, Sendable {
    public var metric: String
    public var confidence: Double
    /// Blocks per comparison; comparisons; those whose interval left out 1.
    public var blocks: Int
    public var comparisons: Int
    public var alarms: Int
  }

  /// The blocks that find an effect in 9 of 10 comparisons.
  public struct Found: Codable, Equatable, Sendable {
    public var metric: String
    public var effectPercent: Double
    /// nil: more than were measured.
    @Explicit public var blocks: Int?
    @Explicit public var seconds: Double?
    @Explicit public var reason: String?

    enum CodingKeys: String, CodingKey {
      case metric, blocks, seconds, reason
      case effectPercent = "effect_percent"
    }
  }

  public var cell: String
  public var blocks: Int
  public var secondsPerBlock: Double
  public var falseAlarms: [FalseAlarms]
  public var found: [Found]

  enum CodingKeys: String, CodingKey {
    case cell, blocks, found
    case secondsPerBlock = "seconds_per_block"
    case falseAlarms = "false_alarms"
  }

  /// The gate's error for one look (harness.md, "Verdicts").
  public static let confidence = 0.995
  static let sizes = [11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512]
  static let effects = [0.01, 0.02, 0.05]

  /// Runs blocks of two equal arms for `seconds`, at most 4,000 blocks.
  ///
  /// - Throws: `sampleFailed` where a sample fails; `void` where fewer than 44 blocks were done.
  public static func run(seconds: Double, progress: (Int) -> Void) throws(Failure)
    -> AACalibration
  {
    let probe = SampleProbe(try SampleTool.find(), subject: "heap")
    let iterations =
      try probe.run(iterations: 0, targetNanoseconds: 3_000_000, seed: 0).value("iterations") ?? 0
    var generator = SplitMix64(seed: 1)
    var pairs: [(a: Sample, b: Sample)] = []
    let start = Date()
    while Date().timeIntervalSince(start) < seconds, pairs.count < 4_000 {
      // Both arms of a block get the same work, in an order drawn for the block.
      let seed = UInt64(pairs.count)
      let first = try probe.run(iterations: iterations, targetNanoseconds: 3_000_000, seed: seed)
      let second = try probe.run(iterations: iterations, targetNanoseconds: 3_000_000, seed: seed)
      pairs.append(generator.next() % 2 == 0 ? (first, second) : (second, first))
      progress(pairs.count)
    }
    let took = Date().timeIntervalSince(start) / Double(max(1, pairs.count))
    guard pairs.count >= 4 * sizes[0] else {
      throw Failure(.void, "\(pairs.count) blocks in \(Int(seconds)) s, needed: \(4 * sizes[0])")
    }
    var result = AACalibration(
      cell: probe.id, blocks: pairs.count, secondsPerBlock: took, falseAlarms: [], found: [])
    for name in ["ns_per_op", "cpu_ns_per_op"] {
      guard let derived = Derived.all.first(where: { $0.name == name }) else { continue }
      let a = pairs.compactMap { derived.value(of: $0.a, threads: 1) }
      let b = pairs.compactMap { derived.value(of: $0.b, threads: 1) }
      guard a.count == pairs.count, b.count == pairs.count else { continue }
      result.add(name, a, b)
    }
    return result
  }

  /// Evaluates the values of one metric, by block.
  mutating func add(_ metric: String, _ a: [Double], _ b: [Double]) {
    for confidence in [0.95, Self.confidence] {
      for size in [16, 32] where a.count >= size {
        let starts = stride(from: 0, through: a.count - size, by: size)
        let alarms = starts.filter {
          Self.differs(a, b, at: $0, size, factor: 1, confidence: confidence)
        }
        falseAlarms.append(
          FalseAlarms(
            metric: metric, confidence: confidence, blocks: size,
            comparisons: a.count / size, alarms: alarms.count))
      }
    }
    for effect in Self.effects {
      let size = Self.sizes.first { size in
        guard a.count >= 4 * size else { return false }
        let starts = Array(stride(from: 0, through: a.count - size, by: max(1, size / 4)))
        let hits = starts.filter {
          Self.differs(a, b, at: $0, size, factor: 1 + effect, confidence: Self.confidence)
        }
        return Double(hits.count) >= 0.9 * Double(starts.count)
      }
      let largest = Self.sizes.last { a.count >= 4 * $0 } ?? 0
      found.append(
        Found(
          metric: metric, effectPercent: 100 * effect, blocks: size,
          seconds: size.map { Double($0) * secondsPerBlock },
          reason: size == nil ? "more than \(largest) blocks" : nil))
    }
  }

  /// Whether the interval of the blocks from `start` leaves out 1, with arm `a` slowed by `factor`.
  private static func differs(
    _ a: [Double], _ b: [Double], at start: Int, _ size: Int, factor: Double, confidence: Double
  ) -> Bool {
    let range = start..<start + size
    guard
      let ratio = PairedRatio(
        arm: a[range].map { $0 * factor }, base: Array(b[range]), confidence: confidence),
      let low = ratio.low, let high = ratio.high
    else { return false }
    return low > 1 || high < 1
  }
}
