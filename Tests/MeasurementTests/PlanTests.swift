import CRecords
import Foundation
import Testing

@testable import Measurement

/// A plan over hand-made samples.
func testPlan(_ yaml: String = SuiteTests.good) throws -> Plan {
  try Plan(
    Suite(yaml: yaml, file: "good.yaml"), command: ["nolock", "run"],
    fingerprint: Fingerprint(machine: ["kernel": .known("6.18")], code: [:], programs: [:]))
}

@Suite("Plan")
struct PlanTests {
  @Test("cells that differ in the subject and the handler only are arms of one comparison")
  func comparisons() throws {
    let plan = try testPlan()
    #expect(plan.comparisons.count == 5)
    #expect(plan.comparisons[4].arms.map(\.cell.arm) == ["sheaves", "sheaves handler=empty"])
    #expect(plan.comparisons[4].id == "storm/*/mix=bpf/threads=1/irq=timer:10000")
    #expect(plan.comparisons[0].arms.map(\.cell.subject) == ["sheaves", "glibc"])
    #expect(plan.cells.count == 10)
  }

  @Test("the order of a block is drawn anew, and the same when drawn again")
  func order() throws {
    let yaml = """
      groups:
        - workload: pair
          mix: bpf
          subject: [sheaves, heap, glibc]
      """
    let plan = try testPlan(yaml)
    let comparison = plan.comparisons[0]
    let orders = (0..<6000).map { plan.order(of: comparison, block: $0) }
    #expect(orders == (0..<6000).map { plan.order(of: comparison, block: $0) })
    let counts = Dictionary(grouping: orders, by: \.self).mapValues(\.count)
    #expect(counts.count == 6)
    // 1000 each if uniform; the seed is fixed, so this cannot fail by chance.
    #expect(counts.values.allSatisfy { (880...1120).contains($0) })
    var other = plan
    other.seed = 2
    #expect((0..<20).map { other.order(of: comparison, block: $0) } != Array(orders.prefix(20)))
  }

  @Test("plan.json comes back as it was")
  func roundTrip() throws {
    let plan = try testPlan()
    let folder = FileManager.default.temporaryDirectory.path + "/plan-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try AtomicFile.write(json: plan, to: folder + "/plan.json")
    #expect(try Plan.read(directory: folder) == plan)
    try Data("{\"schema\":1".utf8).write(to: URL(fileURLWithPath: folder + "/plan.json"))
    #expect(throws: Failure.self) { try Plan.read(directory: folder) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["plan.json"])
  }

  @Test("everything that defines a cell changes its hash")
  func hash() {
    let cell = Cell(subject: "heap", workload: .storm, mix: "bpf")
    var hashes: Set<String> = [cell.hash]
    let changes: [(inout Cell) -> Void] = [
      { $0.subject = "null" }, { $0.workload = .pair }, { $0.mix = "pow2" }, { $0.threads = 2 },
      { $0.interrupts = .perf }, { $0.rate = 1 }, { $0.batch = 2 }, { $0.order = .shuffled },
      { $0.live = 1 }, { $0.foreground = .churn }, { $0.calls = .nolock }, { $0.handler = .empty },
      { $0.arrivals = .poisson }, { $0.ownBucket = true }, { $0.handlerMix = "pow2" },
      { $0.contexts = true }, { $0.limit = 1 },
      { $0.seconds = 1 }, { $0.irq.functions = "kfree" }, { $0.counted = true },
    ]
    for change in changes {
      var other = cell
      change(&other)
      #expect(hashes.insert(other.hash).inserted)
    }
    #expect(Mirror(reflecting: cell).children.count == changes.count)
    let options: [(inout InterruptOptions) -> Void] = [
      { $0.second = .timer }, { $0.secondRate = 2 }, { $0.burst = 2 }, { $0.irqClass = .hardirq },
      { $0.threads = .first }, { $0.functions = "ksize" }, { $0.perfMode = .frequency },
    ]
    for change in options {
      var other = cell
      change(&other.irq)
      #expect(hashes.insert(other.hash).inserted)
    }
    #expect(Mirror(reflecting: cell.irq).children.count == options.count)
  }

  @Test("a plan entry has the record's size and values, and refuses a name too long")
  func entry() throws {
    var cell = Cell(subject: "peer:/opt/lib/x.so", workload: .batch, mix: "fixed:64")
    cell.batch = 100
    cell.threads = 3
    cell.interrupts = .timer
    cell.rate = 250
    cell.seconds = 60
    let mix = MixTable(fixed: 64)
    let handler = try #require(MixTable(weights: KnownMixes.bpf))
    let entry = try PlanEntry(
      cell, iterations: 5, targetNanoseconds: 6, seed: 7, mix: mix, handlerMix: handler,
      trace: "/t")
    #expect(entry.bytes.count == MemoryLayout<nl_plan_entry>.size)
    let read = unsafe entry.bytes.withUnsafeBytes {
      unsafe $0.loadUnaligned(as: nl_plan_entry.self)
    }
    #expect(read.abi == NL_RECORDS_ABI && read.size == UInt32(entry.bytes.count))
    #expect(read.workload == NL_BATCH.rawValue && read.batch == 100 && read.threads == 3)
    #expect(read.irq == NL_IRQ_TIMER.rawValue && read.irq_rate == 250)
    #expect(read.minimum_ns == 60_000_000_000)
    #expect(read.iterations == 5 && read.target_ns == 6 && read.seed == 7)
    #expect(read.mix_count == 1 && read.mix.0 == 64)
    #expect(read.handler_mix_count == 1024 && read.handler_mix.0 == handler.sizes[0])
    #expect(read.handler_mix.1023 == handler.sizes[1023])
    #expect(text(entry, \.subject) == "peer:x.so")
    #expect(text(entry, \.object_path) == "/opt/lib/x.so")
    #expect(text(entry, \.trace_path) == "/t")
    #expect(throws: Failure.self) {
      try PlanEntry(
        cell, iterations: 0, targetNanoseconds: 0, seed: 0, mix: mix, handlerMix: mix,
        trace: String(repeating: "x", count: 1024))
    }
  }

  private func text(_ entry: PlanEntry, _ field: PartialKeyPath<nl_plan_entry>) -> String {
    let at = MemoryLayout<nl_plan_entry>.offset(of: field) ?? 0
    return String(decoding: entry.bytes[at...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
