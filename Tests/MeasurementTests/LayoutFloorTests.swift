import Statistics
import Testing

@testable import Measurement

/// The rule that a difference which layouts alone make is never called faster or slower
/// (harness.md, "Layout floor"), on made-up samples.
@Suite("Layout floor")
struct LayoutFloorTests {
  private let blocks = 512

  private func plan() throws -> ComparisonPlan {
    let cell = Cell(subject: "*", workload: .pair, mix: "fixed:64")
    var plan = ComparisonPlan(
      title: "",
      arms: ["base", "new"].map { name in
        Arm(name: name, subject: "rev:" + name, objects: (1...4).map { "\(name)-\($0).so" })
      }, pairs: [.init(arm: 1, base: 0)],
      cells: [.init(cell, metrics: [.init(name: "ns_per_op", limit: 0.02)], dilations: [0, 0])],
      seed: 7, budgetSeconds: 1, largestBlocks: nil, layoutSeeds: [1, 2, 3, 4], command: [],
      fingerprint: Fingerprint(machine: [:], code: [:], programs: [:]))
    plan.cells[0].schedule = LookSchedule(blocks: blocks, comparisons: 1)
    return plan
  }

  /// 100 ns an operation, up to 20 % more by chance, times what an arm's layout takes.
  private func samples(_ plan: ComparisonPlan, _ factor: (_ arm: Int, _ layout: Int) -> Double)
    -> [Sample]
  {
    var random = SplitMix64(seed: 1)
    let cell = plan.cells[0]
    return (0..<blocks).flatMap { block in
      plan.arms.indices.map { arm in
        let share = factor(arm, plan.layout(of: arm, in: cell, block: block))
        var planned = Plan.PlannedCell(cell.cell)
        planned.hash = plan.key(cell, arm)
        return testSample(
          planned, block: block, ns: UInt64(1e5 * (1 + 0.2 * random.unit()) * share))
      }
    }
  }

  @Test(
    "one layout of four twice as slow, of the arm or of the base: no verdict on the code",
    arguments: [0, 1])
  func oneLayout(slowArm: Int) throws {
    let plan = try plan()
    let samples = samples(plan) { arm, layout in arm == slowArm && layout == 3 ? 2 : 1 }
    let line = try #require(
      ComparisonReport(plan, samples: samples, interrupted: false).lines.first)
    // The interval alone would have called it.
    #expect((line.low ?? 0) > 1 || (line.high ?? 2) < 1)
    #expect(line.verdict == .same)
    #expect(line.margin > 0.8 && (line.layoutSpread ?? 0) > 0.8)
    #expect(line.blocks == 512)
    // Few blocks give a wide floor: it does not end the cell.
    let early = samples.filter { $0.block < 64 }
    #expect(!CellFindings(plan, 0, samples: early).isDecided)
    #expect(CellFindings(plan, 0, samples: samples).isDecided)
  }

  @Test("every layout slower by 10 % is the code's")
  func everyLayout() throws {
    let plan = try plan()
    let samples = samples(plan) { arm, _ in arm == 1 ? 1.1 : 1 }
    let line = try #require(
      ComparisonReport(plan, samples: samples, interrupted: false).lines.first)
    #expect(line.verdict == .slower && line.blocks < 512 && line.layouts == 4)
  }

  @Test("an arm in one layout is compared with a warning")
  func single() throws {
    var plan = try plan()
    plan.arms[1].objects = ["new.so"]
    let samples = samples(plan) { arm, _ in arm == 1 ? 1.1 : 1 }
    let line = try #require(
      ComparisonReport(plan, samples: samples, interrupted: false).lines.first)
    #expect(line.words == "slower (1 layout: may be the layout's)")
  }
}
