import Counters
import Events
import Measurement
import Statistics
import Traces

/// What measuring itself costs here.
public struct Costs: Codable, Equatable, Sendable {
  /// A time in nanoseconds and what it must not exceed; nil with the reason where it is not known.
  public struct Cost: Codable, Equatable, Sendable {
    public var what: String
    @Explicit public var nanoseconds: Double?
    public var limitNanoseconds: Double
    @Explicit public var source: String?
    @Explicit public var reason: String?

    enum CodingKeys: String, CodingKey {
      case what, source, reason
      case nanoseconds = "ns"
      case limitNanoseconds = "limit_ns"
    }
  }

  public var counterRead: Cost
  public var sampleStart: Cost

  enum CodingKeys: String, CodingKey {
    case counterRead = "counter_read"
    case sampleStart = "sample_start"
  }

  /// Measures both; about a third of a second.
  public static func measure() -> Costs {
    Costs(counterRead: counterReading(), sampleStart: sampleStarting())
  }

  /// The processor's four usual events, or four of the kernel's where there is no PMU.
  private static func counterReading() -> Cost {
    var cost = Cost(
      what: "reading a group of 4 counters", nanoseconds: nil, limitNanoseconds: 1500, source: nil,
      reason: nil)
    let hardware = ["cycles", "instructions", "cache-misses", "branch-misses"]
    let software = ["task-clock", "page-faults", "minor-faults", "major-faults"]
    for names in [hardware, software] {
      guard let events = try? EventNames.encode(all: names) else { continue }
      if let problem = events.lazy.compactMap({ EventTrial.problem($0) }).first {
        cost.reason = problem
        continue
      }
      // One thread's 33 readings in a busy moment are all slow: the best of five medians.
      var best: UInt64 = .max
      var rdpmc = false
      for _ in 0..<5 {
        var counters = ThreadCounters()
        let counted = events.map(\.counted)
        unsafe counted.withUnsafeBufferPointer {
          if let first = $0.baseAddress { unsafe counters.open(first, count: 4) }
        }
        best = min(best, counters.readNanoseconds)
        counters.start()
        counters.stop()
        rdpmc = counters.count(of: 0).byRdpmc
        counters.close()
      }
      cost.nanoseconds = Double(best)
      cost.reason = nil
      cost.source = names == software ? "sw.perf" : rdpmc ? "pmu.rdpmc" : "pmu.read"
      return cost
    }
    return cost
  }

  /// Samples of the null subject, spawn to exit, the measured part left out: the best of three medians
  /// of 7, since in a busy moment all of a few are slow.
  private static func sampleStarting() -> Cost {
    var cost = Cost(
      what: "a sample, spawn to exit without its measured part", nanoseconds: nil,
      limitNanoseconds: 3_000_000, source: "clock", reason: nil)
    do throws(Failure) {
      let probe = SampleProbe(try SampleTool.find(), subject: "null")
      var times: [Double] = []
      for seed in 0..<21 {
        let sample = try probe.run(
          iterations: 100_000, targetNanoseconds: 3_000_000, seed: UInt64(seed))
        times.append(Double(sample.processNanoseconds) - Double(sample.value("wall_ns") ?? 0))
      }
      let medians = (0..<3).compactMap { Statistics.median(Array(times[7 * $0..<7 * $0 + 7])) }
      cost.nanoseconds = medians.min()
    } catch {
      cost.reason = error.message
    }
    return cost
  }
}
