import CRecords
import Testing

@testable import Measurement

@Suite("Mixes")
struct MixTests {
  @Test(
    "what is not allowed is refused",
    arguments: [
      "", "fixed", "fixed:", "fixed:0", "fixed:8193", "fixed:-1", "fixed:6x", "uniform:9-8",
      "uniform:0-8", "uniform:8-9000", "uniform:8", "trace:", "POW2", "slab",
    ])
  func refused(text: String) {
    #expect(Mix(text) == nil)
  }

  @Test("what is allowed is understood")
  func understood() {
    #expect(Mix("fixed:64") == .fixed(64))
    #expect(Mix("uniform:8-2048") == .uniform(low: 8, high: 2048))
    #expect(Mix("trace:a:b") == .trace("a:b"))
    #expect(Mix("bpf") == .bpf)
  }

  @Test("tables are powers of two of sizes in range, the same for the same seed")
  func uniform() {
    let table = MixTable(low: 8, high: 2048, seed: 3)
    #expect(table == MixTable(low: 8, high: 2048, seed: 3))
    #expect(table != MixTable(low: 8, high: 2048, seed: 4))
    #expect(table.sizes.count == 1024)
    #expect(table.sizes.allSatisfy { (8...2048).contains($0) })
    let mean = table.sizes.reduce(0) { $0 + Double($1) } / 1024
    #expect(abs(mean - 1028) < 2)
    #expect(MixTable(low: 7, high: 7, seed: 1).sizes == [UInt32](repeating: 7, count: 1024))
  }

  @Test("weights become entries in proportion; the rarest size keeps one")
  func weights() throws {
    let table = try #require(MixTable(weights: [(8, 3e9), (16, 1e9), (32, 1), (64, 0)]))
    let counts = Dictionary(grouping: table.sizes, by: \.self).mapValues(\.count)
    #expect(table.sizes.count == 1024)
    #expect(counts[32] == 1)
    #expect(counts[64] == nil)
    #expect(abs((counts[8] ?? 0) - 767) <= 1)
    #expect(MixTable(weights: []) == nil)
    #expect(MixTable(weights: [(8, 0)]) == nil)
  }

  @Test("pow2 halves with each size")
  func pow2() throws {
    let table = try #require(MixTable(weights: KnownMixes.pow2))
    let counts = Dictionary(grouping: table.sizes, by: \.self).mapValues(\.count)
    #expect(counts.keys.sorted() == (3...13).map { UInt32(1) << UInt32($0) })
    #expect(abs((counts[8] ?? 0) - 2 * (counts[16] ?? 0)) <= 3)
  }

  @Test("slabinfo counts every family of kmalloc caches but DMA, up to 8192 bytes")
  func slabinfo() {
    let text = """
      slabinfo - version: 2.1
      # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>
      kmalloc-cg-64        100    128     64   64    1 : tunables 0 0 0 : slabdata 2 2 0
      kmalloc-64            50     64     64   64    1 : tunables 0 0 0 : slabdata 1 1 0
      kmalloc-1k             7     16   1024   16    4 : tunables 0 0 0 : slabdata 1 1 0
      kmalloc-rcl-96         0     42     96   42    1 : tunables 0 0 0 : slabdata 1 1 0
      dma-kmalloc-64         9      9     64   64    1 : tunables 0 0 0 : slabdata 1 1 0
      dentry              9999   9999    192   21    1 : tunables 0 0 0 : slabdata 1 1 0
      """
    let weights = SlabInfo.parse(text)
    #expect(weights.map(\.size) == [64, 1024])
    #expect(weights.map(\.weight) == [150, 7])
  }

  @Test(
    "this kernel's slabinfo is read to its end",
    .enabled(if: KernelFile.text(SlabInfo.path) != nil, "/proc/slabinfo needs root"))
  func running() throws {
    let weights = try SlabInfo.weights()
    // The kmalloc caches stand last, far behind the first page of the file.
    #expect(weights.contains { $0.size == 64 })
    #expect(MixTable(weights: weights)?.sizes.count == 1024)
    let inputs = try CellInputs(
      [Cell(subject: "null", workload: .pair, mix: "slabinfo")], seed: 1,
      slabinfo: [SizeWeight(size: 48, weight: 2)], package: nil)
    // A resumed run takes what its plan kept, not what the kernel says now.
    let cell = Cell(subject: "null", workload: .pair, mix: "slabinfo")
    let entry = try inputs.entry(cell, iterations: 0, targetNanoseconds: 0, seed: 0)
    let at = try #require(MemoryLayout<nl_plan_entry>.offset(of: \.mix))
    #expect(Array(entry.bytes[at..<at + 8]) == [48, 0, 0, 0, 48, 0, 0, 0])
  }
}
