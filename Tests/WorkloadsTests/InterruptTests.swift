import CRecords
import Testing

private let sources = [NL_IRQ_TIMER, NL_IRQ_PERF, NL_IRQ_TGKILL].map(\.rawValue)

/// Interrupts arrive, their handlers' counts agree, and errno survives them.
@Suite struct InterruptTests {
  @Test(arguments: sources)
  func everySourceDelivers(source: UInt32) throws {
    let sample = try fixtureSample("NONE", NL_STORM) {
      $0.irq = source
      $0.threads = 2
      $0.minimum_ns = 50_000_000
    }
    // Where perf_event_open is not permitted the sample says so; that is not a failure here.
    if sample.status == NL_SKIPPED && source == NL_IRQ_PERF.rawValue {
      #expect(sample.reason.hasPrefix("irq perf: "))
      return
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    let signals = try #require(sample["handler_signals"])
    let attempts = try #require(sample["handler_attempts"])
    #expect(signals > 0)
    #expect(attempts >= signals)
    #expect(attempts == signals + 64 * sample["handler_bursts"]!)
    #expect(
      attempts == sample["handler_first"]! + sample["handler_next_bucket"]!
        + sample["handler_failed"]!)
    #expect(sample["stat.errno_changed"] == 0)
    // Every allocator call of a handler is in the histogram once.
    let recorded = sample.buckets.reduce(0) { $0 + $1.count }
    #expect(recorded == attempts + sample["handler_freed"]!)
    for (low, high) in zip(sample.buckets, sample.buckets.dropFirst()) {
      #expect(low.low_ns + low.width_ns <= high.low_ns)
    }
    // Every handler's own time once; its delay where an instant was intended.
    #expect(sample.inside.reduce(0) { $0 + $1.count } == signals)
    let delays = sample.intended.reduce(0) { $0 + $1.count }
    #expect(delays == (source == NL_IRQ_PERF.rawValue ? 0 : signals))
    #expect((sample["handler_late"] == nil) == (source == NL_IRQ_PERF.rawValue))
    #expect((sample["irq_perf_cycles"] == nil) == (source != NL_IRQ_PERF.rawValue))
    if source == NL_IRQ_TGKILL.rawValue { #expect(sample["handler_sent"]! >= signals) }
  }

  @Test func emptyHandlerOnlyCounts() throws {
    // Any subject: such a handler asks nothing of it.
    let sample = try sample(
      entry("glibc", NL_PAIR) {
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.handler = NL_HANDLER_EMPTY.rawValue
        $0.minimum_ns = 20_000_000
      })
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_signals"]! > 0)
    #expect(sample["handler_attempts"] == 0)
    #expect(sample.buckets.isEmpty)
  }

  @Test func peersPromiseNothingInHandlers() throws {
    let sample = try sample(entry("glibc", NL_STORM) { $0.irq = NL_IRQ_TIMER.rawValue })
    #expect(sample.status == NL_SKIPPED)
    #expect(sample.reason == "glibc promises nothing in a signal handler")
    let foreground = try nolockSample("glibc")
    #expect(foreground.status == NL_SKIPPED)
  }

  @Test func outcomesAreToldApart() throws {
    let sample = try fixtureSample("NOLOCK_VARIES", NL_STORM) {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.handler_own_bucket = 1
      $0.minimum_ns = 30_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    // In turn: NULL, a bucket further, and twice the right one.
    let attempts = sample["handler_attempts"]!
    #expect(attempts > 0)
    for name in ["handler_failed", "handler_next_bucket"] {
      #expect(sample[name]! >= attempts / 4 - 1 && sample[name]! <= attempts / 4 + 1)
    }
  }

  @Test func nolockCallsOfTheForeground() throws {
    let sample = try nolockSample("null")
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["operations"] == 1000)
  }

  @Test func poissonArrivals() throws {
    let sample = try fixtureSample("NONE", NL_STORM) {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.arrivals = NL_POISSON.rawValue
      $0.minimum_ns = 50_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_signals"]! > 0)
    let refused = try fixtureSample("NONE", NL_STORM) {
      $0.irq = NL_IRQ_PERF.rawValue
      $0.arrivals = NL_POISSON.rawValue
    }
    #expect(refused.status == NL_SKIPPED)
    #expect(refused.reason.contains("allowed: periodic"))
  }
}

private func nolockSample(_ subject: String) throws -> Sample {
  try sample(entry(subject, NL_PAIR) { $0.nolock_calls = 1 })
}
