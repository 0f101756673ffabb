import CRecords
import Testing

/// perf events around the measured part of real samples.
@Suite struct CountedSampleTests {
  private func counted(_ counters: [nl_counter], threads: UInt32 = 1) throws -> Sample {
    try sample(
      entry("glibc", NL_PAIR, iterations: 100_000) {
        $0.threads = threads
        $0.counter_count = UInt32(counters.count)
        if counters.count > 0 { $0.counters.0 = counters[0] }
        if counters.count > 1 { $0.counters.1 = counters[1] }
      })
  }

  private func software(_ config: UInt64, _ fallback: nl_counter_fallback) -> nl_counter {
    nl_counter(
      type: 1, flags: 6, config: config, config1: 0, config2: 0, fallback: fallback.rawValue,
      hardware: 0)
  }

  @Test func taskClockIsTheThreadsTime() throws {
    for threads in [1, 2] as [UInt32] {
      let sample = try counted([software(1, NL_FALLBACK_THREAD_TIME)], threads: threads)
      let clock = try #require(sample.metrics["counter.0"])
      let cpu = try #require(sample.metrics["cpu_ns"])
      // By perf or, where it is refused, by the clock itself.
      #expect(clock >= cpu / 2)
      if let running = sample.metrics["counter.0.running_ns"] {
        #expect(running == sample.metrics["counter.0.enabled_ns"])
        #expect(try #require(sample.metrics["counter_read_ns"]) > 0)
      }
    }
  }

  @Test func eachThreadCountsInItsOwnGroup() throws {
    let sample = try counted([software(1, NL_FALLBACK_THREAD_TIME)], threads: 3)
    if sample.errors["counter.0"] != nil { return }
    for suffix in ["", ".enabled_ns", ".running_ns"] {
      let own = try (0..<3).map { try #require(sample.metrics["counter.0.\($0)\(suffix)"]) }
      #expect(own.allSatisfy { $0 > 0 })
      #expect(own.reduce(0, +) == sample.metrics["counter.0\(suffix)"])
    }
    #expect(sample.metrics["counter.0.3"] == nil)
  }

  /// Stepped and, where there is a PMU, counted by it as well; else why not.
  @Test(arguments: [NL_PAIR, NL_BATCH, NL_CHURN])
  func exactCountsStandBesideThePMU(workload: nl_workload) throws {
    let sample = try sample(
      entry("sheaves", workload, iterations: 100) {
        $0.counted = 1
        $0.batch = 100
        $0.live = 16
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    let step = try #require(sample["step_instructions"])
    let pmu = try #require(sample["pmu_instructions"])
    if let error = sample.errors["pmu_instructions"] {
      #expect(pmu == 0 && error != 0)
      #expect(sample["pmu_instructions.enabled_ns"] == nil)
    } else {
      // Locked instructions make AMD's count too high, never tenfold.
      #expect(pmu > step / 2 && pmu < 10 * step)
      #expect(try #require(sample["pmu_instructions.running_ns"]) > 0)
    }
  }

  @Test func anEventThatDoesNotOpenHasNoValueAndTheOthersDo() throws {
    let sample = try counted([software(9999, NL_FALLBACK_NONE), software(2, NL_FALLBACK_FAULTS)])
    #expect(sample.status == NL_OK)
    #expect(sample.errors["counter.0"] != nil)
    #expect(sample.metrics["counter.0.enabled_ns"] == nil)
    #expect(sample.metrics["counter.1"] != nil)
  }

  @Test func theFallbackStandsIn() throws {
    // An event that no kernel has, with the thread's clock in its place.
    let sample = try counted([software(9999, NL_FALLBACK_THREAD_TIME)])
    #expect(sample.errors["counter.0"] != nil)
    #expect(sample.metrics["counter.0"] == sample.metrics["cpu_ns"])
  }

  @Test func malformedCounters() throws {
    let run = try SampleProgram.run(
      input: bytes(entry("null", NL_PAIR) { $0.counter_count = 17 }))
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("counter_count is 17, allowed: 0…16"))
    let fallback = try SampleProgram.run(
      input: bytes(
        entry("null", NL_PAIR) {
          $0.counter_count = 1
          $0.counters.0.fallback = 9
        }))
    #expect(fallback.exitCode == 64)
    #expect(fallback.errors.contains("counters[0].fallback is 9"))
  }
}
