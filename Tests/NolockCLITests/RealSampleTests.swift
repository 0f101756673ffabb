import Foundation
import Measurement
import Testing

private let suite = """
  base: glibc
  blocks: 6
  groups:
    - workload: pair
      mix: fixed:64
      live: 16
      subject: [glibc, "null"]
    - workload: replay
      trace: Benchmarks/traces/hackbench.nltrace.gz
      threads: 2
      irq: timer
      handler: [nolock, empty]
      subject: ["null", glibc]
  """

@Suite(
  "The real nolock-sample", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct RealSampleTests {
  @Test("measures, skips with the reason, and the files agree with each other")
  func endToEnd() throws {
    try temporaryFolder { folder in
      let out = folder + "/out"
      let result = try runResult(yaml: suite, in: folder)
      #expect(result.cells.count == 6)
      let plan = try Plan.read(directory: out)
      for cell in result.cells
      where !(cell.cell.subject == "glibc" && cell.id.contains("irq=timer")) {
        #expect(cell.state == .ok, "\(cell.id): \(cell.reason ?? "")")
        #expect(cell.blocksValid == 6)
        #expect((cell.summary("ns_per_op")?.median ?? 0) > 0)
        #expect(cell.summary("ns_per_op")?.n == 6)
      }
      // A peer has no call for a handler; with an empty handler it runs.
      let peers = result.cells.filter { $0.cell.subject == "glibc" && $0.cell.workload == .replay }
      #expect(peers.map(\.state) == [.skipped, .ok])
      // Every arm and block of a comparison does the same work.
      let samples = try SampleLog.read(directory: out).filter { $0.status == .ok }
      for comparison in plan.comparisons {
        let ids = Set(comparison.arms.map(\.id))
        let own = samples.filter { ids.contains($0.cell) }
        #expect(Set(own.compactMap { $0.value("iterations") }).count == 1)
        #expect(
          Set(own.compactMap { $0.value("iterations") }) == [comparison.calibration?.iterations])
        #expect(comparison.calibration?.operationsPerThread ?? 0 >= 1000)
      }
      for sample in samples where sample.cell.hasPrefix("replay/") {
        #expect(sample.value("dropped_frees") == 0)
        #expect(sample.value("early_frees") == 0)
        #expect((sample.value("handler_signals") ?? 0) > 0)
      }
      #expect(!FileManager.default.fileExists(atPath: out + "/.traces"))
      let facts = plan.fingerprint
      #expect(facts.programs["nolock_sample_sha256"]?.value?.count == 64)
    }
  }

  @Test("the suite of every interrupt source, cut short")
  func interrupts() throws {
    try temporaryFolder { folder in
      let out = folder + "/out"
      let result = try runResult(
        "interrupts", in: folder, "--blocks", "1", "-p", "subject=sheaves", "-p", "rate=2000", "-p",
        "handler=nolock", "-p", "calls=ordinary")
      #expect(result.cells.count == 13)
      for cell in result.cells where cell.state == .ok {
        let irq = cell.cell.interrupts
        let timed = irq == .timer || irq == .tgkill || cell.cell.irq.second != .none
        #expect((cell.intendedLatency != nil) == timed, "\(cell.id)")
        #expect((cell.summary("irq_late_share") != nil) == timed, "\(cell.id)")
        #expect((cell.insideLatency != nil) == (irq != .step && irq != .none), "\(cell.id)")
        #expect(cell.summary("handler_signals").map { ($0.median ?? 0) >= 1 } ?? cell.cell.counted)
      }
      let exact = result.cells.filter(\.cell.counted)
      #expect(exact.count == 1)
      for cell in exact {
        #expect(cell.summary("step_distinct")?.median == 1)
        #expect(cell.summary("step_repeats")?.median == 1000)
        #expect(cell.summary("ns_per_op") == nil)
        // The processor's own count beside it, or why there is none.
        let pmu = try #require(cell.summary("pmu_instructions"))
        let above = try #require(cell.summary("pmu_instructions_difference"))
        #expect((pmu.n == 0) == (pmu.reason != nil && pmu.median == nil && above.median == nil))
      }
      let log = try SampleLog.read(directory: out).compactMap(\.exact)
      #expect(log.count == 1 && log[0].step > 0)
      #expect((log[0].pmu == nil) == (log[0].reason != nil))
      #expect(exact.first?.summary("step_instructions_per_kmalloc")?.median == 24)
      // Said before the first sample, where this machine delivers less; on record in any case.
      #expect(try Plan.read(directory: out).rates?.isEmpty == false)
      let csv = try String(contentsOfFile: out + "/result.csv", encoding: .utf8)
      #expect(csv.contains("intended_p99_ns,ns,clock,") && csv.contains("inside_p50_ns,ns,clock,"))
      #expect(csv.contains(",handler_late,count,count,"))
      #expect(csv.contains(",pmu_instructions,count,pmu.read,"))
      // Only the allocator's own breakpoint was refused, and nothing failed.
      for cell in result.cells where cell.state != .ok {
        #expect(cell.state == .skipped && [.perf, .breakpoint].contains(cell.cell.interrupts))
      }
    }
  }

  @Test("a function that does not exist is refused before the first sample, with those near it")
  func unknownFunction() throws {
    try temporaryFolder { folder in
      let ended = try Program.nolock(
        "run", "interrupts", "-p", "workload=storm", "-p", "irq=breakpoint", "-p",
        "function=Refill", "-p",
        "subject=sheaves", "-o", folder + "/out")
      #expect(ended.status == 64)
      #expect(ended.errorLines.count == 1)
      #expect(ended.errors.contains("sheaves has no function 'Refill', allowed: kmalloc, kfree"))
      #expect(ended.errors.contains("near it: ") && ended.errors.contains(", Instance.refill"))
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
    }
  }

  @Test("a rate that the machine cannot deliver is said, with the rate it can")
  func undeliverable() throws {
    try temporaryFolder { folder in
      let path = folder + "/fast.yaml"
      try """
      base: sheaves
      blocks: 1
      groups:
        - workload: storm
          mix: bpf
          irq: tgkill
          rate: 1000000
          subject: sheaves
      """.write(toFile: path, atomically: true, encoding: .utf8)
      let out = folder + "/out"
      let ended = try Program.nolock("run", path, "-o", out)
      #expect(ended.status == 0, "\(ended.errors)")
      let line = ended.errorLines.first { $0.contains("irq tgkill:1000000 threads=1") } ?? ""
      #expect(
        line.contains("1000000 signals per second and thread asked for, this machine delivers"))
      let rate = try #require(try Plan.read(directory: out).rates?.first)
      #expect(rate.delivered < 900_000 && rate.requested == 1_000_000)
    }
  }

  @Test("list subjects says of each why it is missing or what it is")
  func subjects() throws {
    let listed = try Program.nolock("list", "subjects", "--format", "json")
    #expect(listed.status == 0)
    let list = try JSONDecoder().decode([Availability].self, from: Data(listed.output.utf8))
    #expect(Set(list.map(\.name)).isSuperset(of: Subjects.names))
    #expect(list.allSatisfy { $0.available || !$0.note.isEmpty })
    #expect(list.first { $0.name == "null" }?.available == true)
  }
}
