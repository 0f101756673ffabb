import Testing

@testable import Measurement

/// A sample with given foreground time for 1000 operations.
func testSample(
  _ arm: Plan.PlannedCell, block: Int, attempt: Int = 0, status: Status = .ok, ns: UInt64 = 5000,
  latency: [Bucket] = []
) -> Sample {
  let metrics: [Metric] =
    status == .ok
    ? [
      Metric(name: "wall_ns", value: ns, source: .clock),
      Metric(name: "foreground_ns", value: ns, source: .clock),
      Metric(name: "cpu_ns", value: ns, source: .clock),
      Metric(name: "operations", value: 1000, source: .count),
      Metric(name: "handler_signals", value: 50, source: .count),
      Metric(name: "handler_requested", value: 100, source: .count),
      Metric(name: "handler_attempts", value: 0, source: .count),
      Metric(name: "stat.free_deferred", value: 2, source: .count),
      Metric(name: "stat.deferred_max", value: UInt64(block), source: .count),
    ] : []
  return Sample(
    cell: arm.id, hash: arm.hash, block: block, position: 0, attempt: attempt, seed: 1,
    status: status, reason: status == .ok ? nil : "because", signal: nil, startedAt: 0,
    processNanoseconds: 1, metrics: metrics, latency: latency)
}

@Suite("Evaluation")
struct EvaluationTests {
  private let yaml = """
    groups:
      - workload: pair
        mix: bpf
        irq: timer
        handler: [nolock, empty]
        subject: [sheaves, glibc, "null"]
    """

  private func evaluate(_ plan: Plan, _ samples: [Sample]) -> RunResult {
    RunResult(plan, samples: samples, run: "r", interrupted: false)
  }

  @Test("ratios are of the same block: a drift that all arms share cancels")
  func paired() throws {
    let plan = try testPlan(yaml)
    let arms = plan.comparisons[0].arms
    var samples: [Sample] = []
    for block in 0..<9 {
      let drift = UInt64(1 + block)
      samples.append(testSample(arms[0], block: block, ns: 3000 * drift))
      samples.append(testSample(arms[1], block: block, ns: 6000 * drift))
      samples.append(testSample(arms[2], block: block, ns: 1000 * drift))
    }
    let result = evaluate(plan, samples)
    let raw = try #require(result.cells[0].ratios.first { $0.net == nil })
    #expect(abs((raw.median ?? 0) - 0.5) < 1e-12)
    #expect(abs((raw.low ?? 0) - 0.5) < 1e-12 && abs((raw.high ?? 0) - 0.5) < 1e-12)
    let net = try #require(result.cells[0].ratios.first { $0.net == "null" })
    #expect(abs((net.median ?? 0) - 0.4) < 1e-12)
    #expect(result.cells[0].summary("ns_per_op")?.median == 15)
    #expect(result.cells[1].ratios.isEmpty)
  }

  @Test("a block with a failed sample is dropped for every arm, a later attempt replaces it")
  func dropped() throws {
    let plan = try testPlan(yaml)
    let arms = plan.comparisons[0].arms
    var samples: [Sample] = []
    for block in 0..<3 {
      for (index, arm) in arms.enumerated() {
        samples.append(
          testSample(arm, block: block, status: block == 1 && index == 0 ? .failed : .ok))
      }
    }
    // Block 2 was begun again: only its last attempt counts.
    for arm in arms { samples.append(testSample(arm, block: 2, attempt: 1, ns: 9000)) }
    let result = evaluate(plan, samples)
    #expect(result.cells[1].blocksValid == 2)
    #expect(result.cells[1].blocksDiscarded == 1)
    #expect(result.cells[1].summary("ns_per_op")?.p100 == 9)
    #expect(result.cells[0].samplesFailed == 1)
    #expect(result.cells[1].summary("ns_per_op")?.low == nil)
    #expect(result.cells[1].summary("ns_per_op")?.reason?.contains("takes 6") == true)
  }

  @Test("skipped, always failing and not yet run are told apart")
  func states() throws {
    let plan = try testPlan(yaml)
    let arms = plan.comparisons[0].arms
    let result = evaluate(
      plan,
      [
        testSample(arms[0], block: 0, status: .skipped), testSample(arms[1], block: 0),
        testSample(arms[2], block: 0, status: .failed),
      ])
    #expect(
      result.cells.map(\.state) == [.skipped, .ok, .failed] + [
        .incomplete, .incomplete, .incomplete,
      ])
    #expect(result.cells[0].reason == "because")
    #expect(result.cells.filter { $0.state != .ok }.allSatisfy { $0.metrics.isEmpty })
  }

  @Test("what cannot be computed is null with the reason, never 0")
  func null() throws {
    let plan = try testPlan(yaml)
    let result = evaluate(plan, plan.comparisons[0].arms.map { testSample($0, block: 0) })
    let share = try #require(result.cells[0].summary("handler_first_share"))
    #expect(share.median == nil && share.n == 0)
    #expect(share.reason == "the sample has no handler_first")
    #expect(result.cells[0].summary("irq_achieved_share")?.median == 0.5)
    #expect(result.cells[0].handlerLatency == nil)
  }

  @Test("counters add up, high-water marks do not; histograms are pooled; control cells paired")
  func pooled() throws {
    let plan = try testPlan(yaml)
    var samples: [Sample] = []
    for block in 0..<7 {
      // The machine gets slower from block to block: the control arm of the same block as well.
      let drift = UInt64(1 + block)
      for arm in plan.comparisons[0].arms {
        samples.append(
          testSample(
            arm, block: block, ns: (arm.cell.handler == .nolock ? 4400 : 4000) * drift,
            latency: [Bucket(low: UInt64(block) * 10, width: 10, count: 1)]))
      }
    }
    let cell = evaluate(plan, samples).cells[0]
    #expect(cell.counters["stat.free_deferred"] == 14)
    #expect(cell.counters["stat.deferred_max"] == 6)
    #expect(cell.handlerLatency?.count == 7)
    #expect(cell.handlerLatency?.p50 == 39)
    #expect(cell.handlerLatency?.max == 69)
    let control = try #require(cell.ratios.first { $0.base.contains("handler=empty") })
    #expect(abs((control.median ?? 0) - 1.1) < 1e-12)
    #expect(control.n == 7)
    #expect(abs((control.low ?? 0) - 1.1) < 1e-12 && abs((control.high ?? 0) - 1.1) < 1e-12)
    // Bases are of the same handler.
    #expect(cell.ratios.first { $0.base == "glibc" }?.median == 1)
  }

  @Test("the nolock calls are arms beside the ordinary ones, compared block by block")
  func calls() throws {
    let plan = try testPlan(
      """
      groups:
        - workload: pair
          mix: bpf
          subject: [heap, glibc]
        - workload: pair
          mix: bpf
          calls: nolock
          subject: heap
      """)
    #expect(plan.comparisons.count == 1)
    let arms = plan.comparisons[0].arms
    #expect(arms.map(\.cell.arm) == ["heap", "glibc", "heap calls=nolock"])
    let samples = (0..<7).flatMap { block in
      zip(arms, [2000, 4000, 2200] as [UInt64]).map { arm, ns in
        testSample(arm, block: block, ns: ns * UInt64(1 + block))
      }
    }
    let cell = evaluate(plan, samples).cells[2]
    let own = try #require(cell.ratios.first { $0.base == arms[0].id })
    #expect(abs((own.median ?? 0) - 1.1) < 1e-12)
    #expect(abs((own.low ?? 0) - 1.1) < 1e-12 && abs((own.high ?? 0) - 1.1) < 1e-12)
    let peer = try #require(cell.ratios.first { $0.base == "glibc" })
    #expect(abs((peer.median ?? 0) - 0.55) < 1e-12)
  }
}
