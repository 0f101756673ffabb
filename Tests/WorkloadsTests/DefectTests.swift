import CRecords
import Testing

/// Each check of a sample catches the defect it is there for, and passes without it.
@Suite struct DefectTests {
  @Test func soundFixturePasses() throws {
    for workload in [NL_PAIR, NL_BATCH, NL_CHURN, NL_STORM] {
      let sample = try fixtureSample("NONE", workload) {
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.minimum_ns = workload == NL_STORM ? 20_000_000 : 0
      }
      #expect(sample.status == NL_OK, "\(workload): \(sample.reason)")
      #expect(sample["stat.slots_now"] == 4096)
    }
  }

  @Test func statisticsAreOfTheMeasuredPart() throws {
    let sample = try fixtureSample("NONE", NL_PAIR, iterations: 777)
    #expect(sample["stat.alloc_fast"] == 777)
    #expect(sample["stat.free_fast"] == 777)
  }

  @Test func patternFindsAnObjectHandedOutTwiceInHandlers() throws {
    let sample = try fixtureSample("TWICE", NL_STORM) {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.minimum_ns = 100_000_000
    }
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("handed out twice"), "\(sample.reason)")
  }

  @Test(arguments: [NL_CHURN, NL_BATCH, NL_LARSON, NL_HANDOFF, NL_KUNIT].map(\.rawValue))
  func patternFindsAnObjectHandedOutTwiceInTaskContext(workload: UInt32) throws {
    let sample = try fixtureSample("TWICE_IN_TASK", nl_workload(rawValue: workload)) {
      $0.live = 1000
      $0.batch = 1000
      $0.threads = workload == NL_HANDOFF.rawValue ? 2 : 1
    }
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("handed out twice"), "\(sample.reason)")
  }

  @Test func booksFindALostFree() throws {
    let sample = try fixtureSample("LOSE_FREE", NL_PAIR)
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("fixture counts"), "\(sample.reason)")
    #expect(sample.reason.contains("freed 2016"), "\(sample.reason)")
  }

  @Test func nullWithoutALimitFails() throws {
    let sample = try fixtureSample("RETURN_NULL", NL_PAIR)
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("returned NULL 20 times"), "\(sample.reason)")
    #expect(sample["alloc_failed"] == 20)
  }

  @Test func functionOutsideTheObjectIsRefused() throws {
    let sample = try fixtureSample("OUTSIDE", NL_PAIR)
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("kfree lies outside"), "\(sample.reason)")
  }

  @Test func otherTablesAreRefused() throws {
    let abi = try fixtureSample("OTHER_ABI", NL_PAIR)
    #expect(abi.status == NL_FAILED)
    #expect(abi.reason.contains("does not serve abi 1"), "\(abi.reason)")
    let short = try fixtureSample("SHORT_TABLE", NL_PAIR)
    #expect(short.status == NL_FAILED)
    #expect(short.reason.contains("the ops table has 32 bytes"), "\(short.reason)")
  }

  @Test func memoryLimitNeedsTheCapability() throws {
    let sample = try fixtureSample("NONE", NL_PAIR) { $0.memory_limit = 1 << 20 }
    #expect(sample.status == NL_SKIPPED)
    #expect(sample.reason.contains("has no memory limit"))
  }
}
