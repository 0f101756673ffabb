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
      let path = folder + "/real.yaml"
      try suite.write(toFile: path, atomically: true, encoding: .utf8)
      let out = folder + "/out"
      let ended = try Program.nolock("run", path, "-o", out, "--format", "json")
      #expect(ended.status == 0, "\(ended.errors)")
      let result = try JSONDecoder().decode(RunResult.self, from: Data(ended.output.utf8))
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
