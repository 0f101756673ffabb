import CRecords
import Testing

/// The workloads in which one thread frees what another allocated, and slub_kunit's.
private let subjects = ["sheaves", "heap", "glibc", "jemalloc", "mimalloc", "tcmalloc"]
  .filter { SampleProgram.available.contains($0) }
private let own = ["sheaves", "heap"]

@Suite struct ExchangeTests {
  @Test(arguments: subjects + ["null"]) func handoffFreesInThePartner(subject: String) throws {
    for pairs: UInt64 in [1, 2] {
      let sample = try sample(
        entry(subject, NL_HANDOFF, iterations: 20_000) { $0.threads = UInt32(2 * pairs) })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["operations"] == pairs * 20_000)
      #expect(sample["iterations"] == 20_000)
      #expect(sample["remote_frees"] == pairs * 20_000)
      // Warm-up and measured part by the pairs, then 1024 per thread to look for duplicates.
      #expect(sample["allocated"] == pairs * (10_000 + 20_000 + 2 * 1024))
      #expect(sample["freed"] == sample["allocated"])
    }
  }

  @Test(arguments: own) func handoffUnderInterrupts(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_HANDOFF, iterations: 5000) {
        $0.threads = 2
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.minimum_ns = 30_000_000
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_attempts"]! > 32)
    #expect(sample["remote_frees"] == sample["operations"])
    #expect(sample["allocated"] == sample["freed"])
  }

  @Test(arguments: subjects) func larsonPassesItsSlotsOn(subject: String) throws {
    for threads: UInt64 in [1, 2, 4] {
      let sample = try sample(
        entry(subject, NL_LARSON, iterations: 20_000) {
          $0.threads = UInt32(threads)
          $0.live = 300
          $0.mix_count = 4
          ($0.mix.1, $0.mix.2, $0.mix.3) = (16, 200, 512)
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["operations"] == threads * 20_000)
      // One array of slots more than threads.
      #expect(sample["allocated"] == threads * 30_000 + (threads + 1) * 300)
      #expect(sample["freed"] == sample["allocated"])
    }
  }

  /// The kernel's test has 1000 rounds, which here take seconds: 50.
  @Test(arguments: own + ["sheaves+debug"]) func kunitPasses(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_KUNIT, iterations: 50_000) {
        $0.batch = 1000
        $0.mix.0 = 16
        $0.irq = NL_IRQ_PERF.rawValue
        $0.irq_rate = 100_000
      })
    if sample.status == NL_SKIPPED { return }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 50_000)
    let handlers = sample["handler_attempts"]! - sample["handler_failed"]!
    #expect(sample["handler_attempts"]! > 0)
    #expect(sample["handler_freed"] == handlers)
    #expect(sample["allocated"] == sample["freed"])
    #expect(sample["stat.bad_free"] == 0)
    #expect(sample["stat.slab_errors"] == 0)
  }

  @Test func handoffNeedsPairs() throws {
    let run = try SampleProgram.run(input: bytes(entry("null", NL_HANDOFF) { $0.threads = 3 }))
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("threads is 3, allowed for handoff: an even number"))
  }
}
