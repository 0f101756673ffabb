import Foundation
import Measurement
import TestSupport
import Testing

/// One object of 64 and one of 1024 bytes: the second is what the broken subjects cannot do.
private let suite = """
  base: sheaves
  blocks: 16
  sample_ms: 3
  seed: 1
  groups:
    - workload: pair
      mix: [fixed:64, fixed:1024]
      live: 16
      subject: sheaves
  """

extension Comparing {
  /// Real subjects in C (TestSupport's fixture) that return NULL.
  @Suite(
    "An arm that cannot run a cell", .serialized,
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
  struct MissingArmTests {
    private struct Ended {
      let program: Program
      let plan: ComparisonPlan
      let report: ComparisonReport

      /// The line of an arm in the cell whose id has this text.
      func line(_ arm: String, _ cell: String) -> ComparisonReport.Line? {
        report.lines.first { $0.arm.hasSuffix(arm + ".so") && $0.cell.contains(cell) }
      }
    }

    /// Compares subjects, the base first; `defects` by name.
    private func compare(
      _ folder: String, _ defects: [(name: String, macro: String)], _ more: String...
    ) throws -> Ended {
      try suite.write(toFile: folder + "/suite.yaml", atomically: true, encoding: .utf8)
      let objects = try defects.map {
        "rev:" + (try FixtureSubject.build($0.macro, to: "\(folder)/\($0.name).so"))
      }
      let out = folder + "/out"
      let program = try Program.run(
        Paths.nolock,
        ["compare"] + objects + [
          "--measure-identical", "--suite", folder + "/suite.yaml", "-o", out,
        ] + more,
        environment: ["FIXTURE_STARTS": folder + "/starts"], folder: Paths.package)
      #expect(try SchemaCheck.complaints("comparison", out + "/comparison.json") == "")
      #expect(
        try SchemaCheck.complaints("comparison-result", out + "/comparison-result.json") == "")
      return Ended(
        program: program, plan: try ComparisonPlan.read(directory: out),
        report: try JSONDecoder().decode(
          ComparisonReport.self,
          from: Data(contentsOf: URL(fileURLWithPath: out + "/" + ComparisonReport.fileName))))
    }

    @Test("is left out of that cell alone, with its reason; the others are compared")
    func oneCell() throws {
      try temporaryFolder { folder in
        let ended = try compare(
          folder, [("base", "NONE"), ("nulls", "NULL_ABOVE=512"), ("sound", "NONE")],
          "--blocks", "3")
        #expect(ended.program.status == 3, "\(ended.program.errors)")
        for cell in ["fixed:64", "fixed:1024"] {
          #expect(ended.line("sound", cell)?.blocks == 3)
          #expect(ended.line("sound", cell)?.ratio != nil)
        }
        #expect(ended.line("nulls", "fixed:64")?.ratio != nil)
        let missing = try #require(ended.line("nulls", "fixed:1024"))
        #expect(missing.verdict == .inconclusive && missing.ratio == nil && missing.blocks == 0)
        #expect(missing.reason?.contains("nulls.so: ") == true)
        #expect(missing.reason?.contains("returned NULL") == true, "\(missing.reason ?? "")")
        #expect(ended.plan.cells.map { $0.missing?.map(\.arm) } == [nil, [1]])
        #expect(ended.plan.cells.allSatisfy { $0.reason == nil })
        // In the table, and in the line that the command ends with.
        let said = "inconclusive (\(missing.reason ?? "?"))"
        #expect(ended.program.output.contains(said), "\(ended.program.output)")
        #expect(ended.program.errorLines.last?.contains(missing.reason ?? "?") == true)
        let samples = try SampleLog.read(directory: folder + "/out")
        #expect(samples.count == 3 * 3 + 3 * 2 && samples.allSatisfy { $0.status == .ok })
      }
    }

    @Test("and is the base, or the only other one: that cell is inconclusive for all")
    func base() throws {
      try temporaryFolder { folder in
        let ended = try compare(
          folder, [("nulls", "NULL_ABOVE=512"), ("one", "NONE"), ("two", "NONE")], "--blocks", "1")
        #expect(ended.program.status == 3, "\(ended.program.errors)")
        for arm in ["one", "two"] {
          #expect(ended.line(arm, "fixed:64")?.ratio != nil)
          let line = try #require(ended.line(arm, "fixed:1024"))
          #expect(line.ratio == nil && line.reason?.contains("nulls.so: ") == true)
        }
        #expect(ended.plan.cells[1].reason?.contains("returned NULL") == true)
        #expect(try SampleLog.read(directory: folder + "/out").count == 3)
      }
      try temporaryFolder { folder in
        let ended = try compare(
          folder, [("one", "NONE"), ("nulls", "NULL_ABOVE=512")], "--blocks", "1")
        #expect(ended.program.status == 3, "\(ended.program.errors)")
        #expect(ended.plan.cells[1].reason?.contains("returned NULL") == true)
        #expect(try SampleLog.read(directory: folder + "/out").count == 2)
      }
    }

    /// It starts once before the blocks, and runs in two of them.
    @Test("only after a while: left out at its third failure, no block of the others is lost")
    func later() throws {
      try temporaryFolder { folder in
        let ended = try compare(
          folder, [("base", "NONE"), ("fails", "FAIL_AFTER=3"), ("sound", "NONE")],
          "--blocks", "9", "-p", "mix=fixed:64")
        #expect(ended.program.status == 3, "\(ended.program.errors)")
        #expect(ended.line("fails", "fixed:64")?.reason?.contains("returned NULL") == true)
        #expect(ended.line("sound", "fixed:64")?.blocks == 9)
        #expect(ended.report.lines.allSatisfy { $0.blocksDropped == 0 })
        let samples = try SampleLog.read(directory: folder + "/out")
        let own = samples.filter { $0.cell.contains("fails.so") }
        #expect(own.map(\.block) == Array(0..<5))
        #expect(own.map(\.status) == [.ok, .ok, .failed, .failed, .failed])
        #expect(samples.count == 9 * 2 + 5)
        #expect(ended.program.errors.contains("goes on without rev:"))

        let again = try Program.nolock("compare", "--resume", "-o", folder + "/out")
        #expect(again.status == 3, "\(again.errors)")
        #expect(again.output == ended.program.output)
        #expect(try SampleLog.read(directory: folder + "/out").count == samples.count)
      }
    }

    @Test("in the base after a while: nothing is compared, and the dropped blocks void the run")
    func laterBase() throws {
      try temporaryFolder { folder in
        // Started five times by the calibration at most, once by the pilot.
        let ended = try compare(
          folder, [("fails", "FAIL_AFTER=8"), ("sound", "NONE")], "--blocks", "40", "-p",
          "mix=fixed:64")
        #expect(ended.program.status == 8, "\(ended.program.errors)")
        let line = try #require(ended.line("sound", "fixed:64"))
        #expect(line.verdict == .inconclusive && line.ratio == nil && line.blocksDropped == 3)
        #expect(ended.plan.cells[0].reason?.contains("returned NULL") == true)
        #expect(try SampleLog.read(directory: folder + "/out").count < 30)
      }
    }
  }
}
