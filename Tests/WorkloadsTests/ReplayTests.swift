import CRecords
import Testing

/// A trace is replayed event for event, across threads.
@Suite struct ReplayTests {
  private func replay(
    _ subject: String, _ trace: TestTrace, passes: UInt64 = 3,
    _ change: (inout nl_plan_entry) -> Void = { _ in }
  ) throws -> Sample {
    try trace.withFile { path in
      try sample(
        entry(subject, NL_REPLAY, iterations: passes) {
          $0.threads = 2
          set(&$0.trace_path, path)
          change(&$0)
        })
    }
  }

  @Test(
    arguments: ["null", "glibc", "jemalloc", "mimalloc", "tcmalloc"].filter {
      SampleProgram.available.contains($0)
    })
  func remoteFreesAreExact(subject: String) throws {
    let sample = try replay(subject, .crossing)
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["iterations"] == 3)
    #expect(sample["operations"] == 3 * 350)
    #expect(sample["remote_frees"] == 3 * 50)
    #expect(sample["dropped_frees"] == 0)
    #expect(sample["early_frees"] == 0)
    // One pass to warm up, three measured; what the trace leaves is freed after each.
    #expect(sample["allocated"] == 4 * 200)
    #expect(sample["freed"] == 4 * 200)
  }

  @Test func oneThreadMergesTheStreams() throws {
    let sample = try replay("glibc", .crossing) { $0.threads = 1 }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 3 * 350)
    #expect(sample["remote_frees"] == 0)
    #expect(sample["allocated"] == 800)
  }

  @Test func moreThreadsThanStreamsAreSkipped() throws {
    let sample = try replay("glibc", .crossing) { $0.threads = 3 }
    #expect(sample.status == NL_SKIPPED)
    #expect(sample.reason == "replay: the trace has 2 CPUs, threads is 3")
  }

  @Test func interruptContextsAreIssuedFromAHandler() throws {
    // Stream 0: two interrupt events in a row, task, one more; a remote free in a handler.
    let trace = TestTrace(
      streams: [
        [
          TestTrace.alloc(0, 64), TestTrace.alloc(1, 64, NL_TRACE_HARDIRQ),
          TestTrace.alloc(2, 96, NL_TRACE_SOFTIRQ), TestTrace.free(0, remote: false),
          TestTrace.free(1, remote: false, NL_TRACE_NMI),
        ],
        [TestTrace.alloc(3, 8), TestTrace.free(2, remote: true, NL_TRACE_IRQS_OFF)],
      ], allocations: 4, remoteFrees: 1)
    let sample = try trace.withFile { path in
      try fixtureSample("NONE", NL_REPLAY, iterations: 5) {
        $0.threads = 2
        $0.replay_contexts = 1
        set(&$0.trace_path, path)
      }
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 5 * 7)
    #expect(sample["handler_signals"] == 5 * 3)
    #expect(sample["handler_operations"] == 5 * 4)
    #expect(sample["handler_attempts"] == 5 * 2)
    #expect(sample["handler_freed"] == 5 * 2)
    #expect(sample["remote_frees"] == 5)
    #expect(sample["stat.errno_changed"] == 0)
    let peer = try replay("glibc", trace) { $0.replay_contexts = 1 }
    #expect(peer.status == NL_SKIPPED)
    let plain = try replay("glibc", trace)
    #expect(plain.status == NL_OK, "\(plain.reason)")
  }

  @Test func failedAllocationInAHandlerDropsItsFree() throws {
    let trace = TestTrace(
      streams: [
        (0..<40).flatMap {
          [
            TestTrace.alloc($0, 64, NL_TRACE_HARDIRQ), TestTrace.free($0, remote: false),
          ]
        }
      ], allocations: 40, remoteFrees: 0)
    let sample = try trace.withFile { path in
      try fixtureSample("NOLOCK_VARIES", NL_REPLAY, iterations: 1) {
        $0.replay_contexts = 1
        set(&$0.trace_path, path)
      }
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_attempts"] == 40)
    #expect(sample["handler_failed"] == 10)
    #expect(sample["dropped_frees"] == 0)
    // A warm-up pass and a measured one, a quarter of each lost.
    #expect(sample["allocated"] == 60)
    #expect(sample["freed"] == 60)
  }

  @Test func brokenTracesAreRefused() throws {
    func refusal(_ trace: TestTrace) throws -> String {
      let sample = try replay("glibc", trace)
      #expect(sample.status == NL_FAILED)
      return sample.reason
    }
    var wrong = TestTrace.crossing
    wrong.remoteFrees = 49
    #expect(try refusal(wrong).contains("the header says 49 remote frees, the events 50"))
    wrong = .crossing
    wrong.streams[0].append(TestTrace.free(0, remote: false))
    #expect(try refusal(wrong).contains("allocation 0 is freed twice"))
    wrong = .crossing
    wrong.streams[0].append(TestTrace.free(198, remote: true))
    #expect(try refusal(wrong).contains("the free of 198 is not remote"))
    wrong = .crossing
    wrong.streams[0].append(TestTrace.alloc(0, 8))
    #expect(try refusal(wrong).contains("0 is allocated twice"))
    wrong = .crossing
    wrong.streams[0].append(TestTrace.alloc(200, 8))
    #expect(try refusal(wrong).contains("id 200"))
    wrong = TestTrace(
      streams: [[TestTrace.free(0, remote: false), TestTrace.alloc(0, 8)], []], allocations: 1,
      remoteFrees: 0)
    #expect(try refusal(wrong).contains("a free comes before its allocation"))
    let missing = try sample(
      entry("glibc", NL_REPLAY) { set(&$0.trace_path, "/nonexistent.trace") })
    #expect(missing.status == NL_FAILED)
    #expect(missing.reason == "/nonexistent.trace: No such file or directory")
  }
}
