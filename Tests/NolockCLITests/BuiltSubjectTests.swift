import Foundation
import Measurement
import Testing

/// `DESIGN+lockdep`, `DESIGN+probes`: built when they are asked for; `sheaves+debug`: built in.
@Suite(
  "Designs with suffixes", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct BuiltSubjectTests {
  @Test("their names")
  func names() {
    for name in [
      "sheaves+debug", "sheaves+lockdep", "heap+probes", "sheaves+debug+probes",
      "sheaves-rt+lockdep+probes",
    ] { #expect(Subjects.isValid(name), "\(name)") }
    for name in [
      "heap+debug", "glibc+lockdep", "null+probes", "+probes", "sheaves+", "sheaves+probe",
      "sheaves+probes+probes",
    ] { #expect(!Subjects.isValid(name), "\(name)") }
  }

  @Test("an unknown suffix is one line with what is allowed")
  func unknown() throws {
    let ended = try Program.nolock("run", "quick", "--dry-run", "-p", "subject=sheaves+lokdep")
    #expect(ended.status == 64)
    #expect(ended.errorLines.count == 1)
    let line = try #require(ended.errorLines.first)
    #expect(line.contains("'sheaves+lokdep' found, allowed: sheaves, heap"))
    #expect(line.contains("DESIGN+lockdep, DESIGN+probes"))
  }

  @Test("the atlas builds one too, and interrupts that build")
  func atlas() throws {
    let words = ["atlas", "kmalloc_nolock", "--state", "hit", "--format", "json"]
    let ended = try Program.run(
      Paths.nolock, words + ["--subject", "sheaves+probes"], folder: Paths.package)
    #expect(ended.status == 0, "\(ended.errors)")
    let results = try JSONDecoder().decode([AtlasResult].self, from: Data(ended.output.utf8))
    let result = try #require(results.first)
    #expect(result.subject == "sheaves+probes" && result.reason == nil)
    #expect(!result.boundaries.isEmpty)
    for boundary in result.boundaries { #expect(boundary.object.hasSuffix(".so")) }
    let wrong = try Program.run(Paths.nolock, words + ["--subject", "sheaves+probe"])
    #expect(wrong.status == 64)
    #expect(wrong.errors.contains("'sheaves+probe' found, allowed: sheaves, heap"))
  }

  @Test("a design without probe points is skipped, and the reason names one that has them")
  func noProbes() throws {
    try temporaryFolder { folder in
      let suite = """
        base: sheaves
        blocks: 1
        groups:
          - workload: kunit
            mix: fixed:16
            batch: 50
            irq: probe
            subject: [sheaves]
        """
      try suite.write(toFile: folder + "/probe.yaml", atomically: true, encoding: .utf8)
      let ended = try Program.nolock(
        "run", folder + "/probe.yaml", "-o", folder + "/out", "--format", "json")
      #expect(ended.status == 8, "\(ended.errors)")
      let result = try JSONDecoder().decode(RunResult.self, from: Data(ended.output.utf8))
      let cell = try #require(result.cells.first)
      #expect(cell.state == .skipped)
      #expect(cell.reason?.contains("DESIGN+probes") == true, "\(cell.reason ?? "")")
    }
  }

  /// Probe points are what only such a build has.
  @Test("one is built, loaded and interrupted at its probe points; the checked one finds nothing")
  func kunit() throws {
    try temporaryFolder { folder in
      let suite = """
        base: sheaves+debug
        blocks: 1
        groups:
          - workload: kunit
            mix: fixed:16
            batch: 50
            irq: probe
            subject: [sheaves+probes]
          - workload: kunit
            mix: fixed:16
            batch: 50
            irq: timer
            subject: [sheaves, sheaves+debug]
        """
      let result = try runResult(yaml: suite, in: folder)
      #expect(result.cells.count == 3)
      for cell in result.cells {
        #expect(cell.state == .ok, "\(cell.id): \(cell.reason ?? "")")
        #expect((cell.summary("handler_attempts")?.median ?? 0) > 0, "\(cell.id)")
      }
      let samples = try SampleLog.read(directory: folder + "/out").filter { $0.status == .ok }
      #expect(samples.count == 3)
      for sample in samples { #expect(sample.value("stat.slab_errors") == 0, "\(sample.cell)") }
    }
  }
}
