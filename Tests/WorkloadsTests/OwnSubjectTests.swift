import CRecords
import Foundation
import Testing

private let subjects = ["sheaves", "heap"]

/// The allocator itself under every workload: exact counts, and its counters agree with the
/// harness's (a sample whose books do not balance is not ok).
@Suite struct OwnSubjectTests {
  private func allocations(_ sample: Sample) -> UInt64? {
    sample["stat.alloc_fast"].map { $0 + sample["stat.alloc_slow"]! + sample["stat.alloc_large"]! }
  }

  private func frees(_ sample: Sample) -> UInt64? {
    sample["stat.free_fast"].map {
      $0 + sample["stat.free_slow"]! + sample["stat.free_deferred"]! + sample["stat.free_large"]!
    }
  }

  @Test(arguments: subjects) func pair(subject: String) throws {
    for nolockCalls: UInt32 in [0, 1] {
      let sample = try sample(
        entry(subject, NL_PAIR, iterations: 12_345) {
          $0.threads = 2
          $0.nolock_calls = nolockCalls
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["operations"] == 24_690)
      #expect(sample["allocated"] == 2 * (10_000 + 12_345 + 16))
      #expect(sample["freed"] == sample["allocated"])
      #expect(allocations(sample) == 24_690)
      #expect(frees(sample) == 24_690)
    }
  }

  @Test(arguments: subjects) func batch(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_BATCH, iterations: 10_000) {
        $0.batch = 1000
        $0.shuffled = 1
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    // Warm-up, the measured part, and one batch that looks for objects handed out twice.
    #expect(sample["allocated"] == 21_000)
    #expect(sample["freed"] == 21_000)
    #expect(allocations(sample) == 10_000)
    #expect(frees(sample) == 10_000)
  }

  @Test(arguments: subjects) func churn(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_CHURN, iterations: 20_000) {
        $0.threads = 2
        $0.live = 1000
        $0.mix_count = 4
        ($0.mix.1, $0.mix.2, $0.mix.3) = (1, 96, 8192)
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["allocated"] == 2 * (10_000 + 20_000 + 1000))
    #expect(sample["freed"] == 62_000)
    #expect(allocations(sample) == 40_000)
  }

  @Test(arguments: subjects) func storm(subject: String) throws {
    for foreground in [NL_PAIR, NL_CHURN] {
      let sample = try sample(
        entry(subject, NL_STORM) {
          $0.foreground = foreground.rawValue
          $0.irq = NL_IRQ_TIMER.rawValue
          $0.threads = 2
          $0.live = 1000
          $0.handler_own_bucket = 1
          $0.minimum_ns = 50_000_000
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["handler_attempts"]! > 64)
      #expect(sample["handler_failed"]! * 1000 <= sample["handler_attempts"]!)
      #expect(sample["allocated"] == sample["freed"])
      #expect(
        allocations(sample)
          == sample["operations"]! + sample["handler_first"]! + sample["handler_next_bucket"]!)
    }
  }

  @Test(arguments: subjects) func replay(subject: String) throws {
    try TestTrace.crossing.withFile { path in
      let sample = try sample(
        entry(subject, NL_REPLAY, iterations: 3) {
          $0.threads = 2
          set(&$0.trace_path, path)
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["operations"] == 3 * 350)
      #expect(sample["remote_frees"] == 3 * 50)
      #expect(sample["dropped_frees"] == 0)
      #expect(sample["early_frees"] == 0)
      // Each CPU's first allocation is of 0 bytes, which is no object.
      #expect(sample["zero_size_allocations"] == 3 * 2)
      #expect(sample["allocated"] == 4 * 198)
      #expect(sample["freed"] == 4 * 198)
    }
  }

  @Test(arguments: subjects) func contextsFromHandlers(subject: String) throws {
    let trace = TestTrace(
      streams: [
        [
          TestTrace.alloc(0, 64), TestTrace.alloc(1, 64, account: true, NL_TRACE_HARDIRQ),
          TestTrace.alloc(2, 96, zero: true, NL_TRACE_SOFTIRQ), TestTrace.free(0, remote: false),
          TestTrace.free(1, remote: false, NL_TRACE_NMI),
        ],
        [TestTrace.alloc(3, 8), TestTrace.free(2, remote: true, NL_TRACE_IRQS_OFF)],
      ], allocations: 4, remoteFrees: 1)
    try trace.withFile { path in
      let sample = try sample(
        entry(subject, NL_REPLAY, iterations: 50) {
          $0.threads = 2
          $0.replay_contexts = 1
          set(&$0.trace_path, path)
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["handler_signals"] == 50 * 3)
      #expect(sample["handler_operations"] == 50 * 4)
      #expect(sample["handler_attempts"] == 50 * 2)
      #expect(sample["handler_freed"] == 50 * 2)
      #expect(sample["remote_frees"] == 50)
    }
  }

  @Test(arguments: subjects) func memoryLimitGivesNull(subject: String) throws {
    let sample = try sample(
      entry(subject, NL_CHURN, iterations: 20_000) {
        $0.live = 4096
        $0.mix.0 = 4096
        $0.memory_limit = 4 << 20
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    // 4096 objects of a page are four times the limit.
    #expect(sample["alloc_failed"]! > 3000)
    #expect(sample["allocated"]! + sample["alloc_failed"]! == 10_000 + 20_000 + 4096)
    #expect(sample["allocated"] == sample["freed"])
    #expect(sample["stat.limit_hit"]! > 0)
    #expect(sample["stat.pages_bytes_max"]! <= 4 << 20)
  }
}
