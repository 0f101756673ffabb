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
