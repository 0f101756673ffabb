import CRecords
import TestSupport
import Testing

/// Handlers are in their steady state from the first signal that is measured.
@Suite struct HandlerTrafficTests {
  /// As short as the suites' samples: some 30 signals, fewer where the machine is busy.
  private func short(_ subject: String, threads: UInt32, _ path: String = "") throws -> Sample {
    try sample(
      entry(subject, NL_STORM) {
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.threads = threads
        $0.minimum_ns = 3_000_000
        set(&$0.object_path, path)
      })
  }

  @Test func everyAllocationReplacesAnObject() throws {
    let path = try FixtureSubject.build()
    for _ in 0..<5 {
      let sample = try short("rev:fixture", threads: 1, path)
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["handler_signals"]! > 0)
      #expect(sample["handler_freed"]! > 0)
      // With one thread no other handler passes objects to this one: one out, one in.
      #expect(sample["handler_attempts"] == sample["handler_freed"]! + sample["handler_handed"]!)
      #expect(sample["allocated"] == sample["freed"])
    }
  }

  @Test(arguments: ["sheaves", "heap"])
  func shortSamplesHoldBursts(subject: String) throws {
    var bursts: UInt64 = 0
    for _ in 0..<5 {
      let sample = try short(subject, threads: 2)
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["handler_freed"]! > 0)
      #expect(
        sample["handler_attempts"] == sample["handler_signals"]! + 64 * sample["handler_bursts"]!)
      bursts += sample["handler_bursts"]!
      // One signal in 16 on each thread.
      let fewest = sample["handler_signals"]! / 16
      #expect(sample["handler_bursts"]! + 2 >= fewest && sample["handler_bursts"]! <= fewest + 2)
    }
    #expect(bursts > 0)
  }

  @Test func replayKeepsTheHandlersObjectsBetweenPasses() throws {
    try TestTrace.crossing.withFile { trace in
      let sample = try fixtureSample("NONE", NL_REPLAY, iterations: 2) {
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.minimum_ns = 3_000_000
        set(&$0.trace_path, trace)
      }
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["iterations"]! > 2)
      #expect(sample["handler_attempts"]! > 0)
      #expect(sample["handler_attempts"] == sample["handler_freed"]! + sample["handler_handed"]!)
    }
  }
}
