import CRecords
import Testing

private let subjects = ["null", "glibc", "jemalloc", "mimalloc", "tcmalloc"]

/// Exact operation counts, and books that balance, for each subject that this machine has.
@Suite struct BooksTests {
  @Test(arguments: subjects.filter { SampleProgram.available.contains($0) })
  func pairCountsExactly(subject: String) throws {
    let sample = try sample(entry(subject, NL_PAIR, iterations: 12_345) { $0.threads = 2 })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 24_690)
    #expect(sample["iterations"] == 12_345)
    // Two threads: 10,000 to warm up, the measured ones, and 16 others that stay alive.
    #expect(sample["allocated"] == 2 * (10_000 + 12_345 + 16))
    #expect(sample["freed"] == sample["allocated"])
    #expect(sample["live"] == 0)
    #expect(sample["alloc_failed"] == 0)
    #expect(sample["handler_signals"] == nil)
  }

  @Test(arguments: subjects.filter { SampleProgram.available.contains($0) })
  func batchFreesEverything(subject: String) throws {
    for shuffled: UInt32 in [0, 1] {
      let sample = try sample(
        entry(subject, NL_BATCH, iterations: 250) { $0.shuffled = shuffled })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["operations"] == 250)
      // Warm-up 250, measured 250, and one batch of 100 to look for objects handed out twice.
      #expect(sample["allocated"] == 600)
      #expect(sample["freed"] == 600)
    }
  }

  @Test(arguments: subjects.filter { SampleProgram.available.contains($0) })
  func churnReplacesObjects(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_CHURN, iterations: 5000) {
        $0.threads = 2
        $0.live = 1000
        $0.mix_count = 4
        ($0.mix.1, $0.mix.2, $0.mix.3) = (1, 96, 8192)
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 10_000)
    #expect(sample["allocated"] == 2 * (5000 + 5000 + 1000))
    #expect(sample["freed"] == 22_000)
  }

  @Test func calibrationReportsWhatItChose() throws {
    let sample = try sample(
      entry("glibc", NL_PAIR, iterations: 0) {
        $0.threads = 2
        $0.target_ns = 1_000_000
      })
    let iterations = try #require(sample["iterations"])
    #expect(iterations > 0)
    #expect(sample["operations"] == 2 * iterations)
    #expect(sample["wall_ns"]! > 0)
    #expect(sample["cpu_ns"]! > 0)
    #expect(sample["peak_resident_bytes"]! > 0)
  }

  @Test func minimumTimeRepeatsWholeRuns() throws {
    let sample = try sample(entry("glibc", NL_PAIR, iterations: 10) { $0.minimum_ns = 1_000_000 })
    #expect(sample["wall_ns"]! >= 1_000_000)
    #expect(sample["operations"]! % 10 == 0)
    #expect(sample["operations"]! > 10)
  }

  @Test func zeroedMemoryOfPeersIsPassedOn() throws {
    // A trace asks for zeroed memory: the adapter must go to calloc without failing.
    try TestTrace.crossing.withFile { path in
      let sample = try sample(
        entry("glibc", NL_REPLAY, iterations: 2) {
          $0.threads = 1
          set(&$0.trace_path, path)
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
    }
  }
}
