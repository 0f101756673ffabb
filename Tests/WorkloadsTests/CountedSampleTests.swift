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
