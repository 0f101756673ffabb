import Foundation
import Measurement
import TestSupport
import Testing

private let limits = """
  limits:
    - metric: step_instructions
      cells: "*"
      exact: true
    - metric: step_instructions_per_kmalloc
      cells: "pair/*"
      exact: true
  """

extension Comparing {
  /// One counted sample of each arm decides.
  @Suite("Counts gated exactly", .serialized, .enabled(if: TestObjects.planted(1) != nil))
  struct CountsGateTests {
    private struct Ended {
      var run: Program
      var report: GateReport
      var samples: [Sample]
    }

    private func gate(
      _ base: String, _ new: String, _ more: [String] = [], yaml: String = limits,
      _ change: SabotagedSample.Change? = nil, other: String = "", workload: String = "pair"
    ) throws -> Ended {
      var ended: Ended?
      try temporaryFolder { folder in
        try yaml.write(toFile: folder + "/limits.yaml", atomically: true, encoding: .utf8)
        var environment = ["NOLOCK_BASELINES": folder]
        if let change {
          try SabotagedSample.write(change, to: folder + "/sample", other: other)
          environment["NOLOCK_SAMPLE"] = folder + "/sample"
        }
        // Another file, that the sabotage can tell by its name.
        try FileManager.default.copyItem(atPath: new, toPath: folder + "/new.so")
        let out = folder + "/out"
        let run = try Program.run(
          Paths.nolock,
          [
            "gate", "--against", "rev:" + base, "--new", "rev:\(folder)/new.so",
            "--measure-identical", "--limits", folder + "/limits.yaml", "-p",
            "workload=\(workload)",
            "-o", out,
          ] + more, environment: environment, folder: Paths.package)
        let data = try #require(
          FileManager.default.contents(atPath: out + "/gate.json"), "\(run.errors)")
        #expect(try SchemaCheck.complaints("gate", out + "/gate.json") == "")
        #expect(try SchemaCheck.complaints("comparison", out + "/comparison.json") == "")
        let result = out + "/comparison-result.json"
        #expect(try SchemaCheck.complaints("comparison-result", result) == "")
        ended = Ended(
          run: run, report: try JSONDecoder().decode(GateReport.self, from: data),
          samples: try SampleLog.read(directory: out))
      }
      return try #require(ended)
    }

    @Test("the same code passes with one sample of each arm; a wrong file is not valid")
    func equal() throws {
      let base = try #require(TestObjects.built?.first)
      let ended = try gate(base, base)
      #expect(ended.run.status == 0, "\(ended.run.output)\(ended.run.errors)")
      #expect(ended.report.lines.map(\.outcome) == [.pass, .pass])
      #expect(ended.report.lines.allSatisfy { $0.copy == .held && $0.plant == .held })
      #expect(ended.samples.count == 4)
      let counts = ended.samples.compactMap { $0.value("step_instructions") }
      // The plant ran one instruction more in each of its 500 calls.
      #expect(counts == [counts[0], counts[0], counts[0], counts[0] + 500])
      try temporaryFolder { folder in
        try "{\"schema\": \"nolock-gate/1\", \"lines\": []}"
          .write(toFile: folder + "/x.json", atomically: true, encoding: .utf8)
        let complaints = try SchemaCheck.complaints("gate", folder + "/x.json")
        #expect(SchemaCheck.problem != nil || complaints != "")
      }
    }

    @Test("one instruction more is red, and is named; with --bisect it is bad")
    func oneMore() throws {
      let base = try #require(TestObjects.built?.first)
      let more = try #require(TestObjects.planted(1))
      let ended = try gate(base, more)
      #expect(ended.run.status == 2, "\(ended.run.output)\(ended.run.errors)")
      let line = try #require(ended.report.lines.last)
      #expect(line.newCount == line.baseCount.map { $0 + 1 })
      let (old, new) = (line.baseCount ?? 0, line.newCount ?? 0)
      #expect(line.changes.first == "instructions per kmalloc: \(old) → \(new)")
      #expect(line.changes.last?.hasPrefix("unchanged: instructions per kfree") == true)
      #expect(ended.run.output.contains("instructions per kmalloc: \(old) → \(new)"))
      #expect(try gate(base, more, ["--bisect"]).run.status == 1)
    }

    @Test("one less is an improvement: 0, or 4 where asked for, which bisect reads as good")
    func oneLess() throws {
      let base = try #require(TestObjects.planted(1))
      let less = try #require(TestObjects.built?.first)
      let plain = try gate(base, less)
      #expect(plain.run.status == 0, "\(plain.run.output)\(plain.run.errors)")
      #expect(plain.report.lines.map(\.outcome) == [.improvement, .improvement])
      #expect(try gate(base, less, ["--fail-on-improvement"]).run.status == 4)
      #expect(try gate(base, less, ["--fail-on-improvement", "--bisect"]).run.status == 0)
    }

    @Test("a copy that is another build, and a plant that is none, void it: 8, 125 for bisect")
    func sabotage() throws {
      let base = try #require(TestObjects.built?.first)
      let more = try #require(TestObjects.planted(1))
      let copy = try gate(base, base, [], .otherCopy, other: more)
      #expect(copy.run.status == 8, "\(copy.run.output)\(copy.run.errors)")
      #expect(copy.report.lines.first?.copy == .failed)
      let plant = try gate(base, base, ["--bisect"], .idlePlant)
      #expect(plant.run.status == 125, "\(plant.run.output)\(plant.run.errors)")
      #expect(plant.report.lines.first?.plant == .failed)
    }

    @Test("what has no counted mode is void, never green")
    func replay() throws {
      let base = try #require(TestObjects.built?.first)
      let yaml = limits.replacing("pair/*", with: "*").replacing(
        "limits:", with: "suite: Benchmarks/suites/none.yaml\nlimits:")
      try temporaryFolder { folder in
        let suite = """
          base: sheaves
          groups:
            - workload: replay
              trace: Benchmarks/traces/find-usr.nltrace.gz
              subject: sheaves
          """
        try suite.write(toFile: folder + "/s.yaml", atomically: true, encoding: .utf8)
        let own = yaml.replacing("Benchmarks/suites/none.yaml", with: folder + "/s.yaml")
        let ended = try gate(base, base, yaml: own, workload: "replay")
        #expect(ended.run.status == 8, "\(ended.run.output)\(ended.run.errors)")
        #expect(ended.run.output.contains("replay has no counted mode"))
      }
    }

    @Test("a time above its limit is counted again, and the message says what changed")
    func explained() throws {
      let base = try #require(TestObjects.built?.first)
      // About as long again as the pair itself takes, several times.
      let slow = try #require(TestObjects.planted(300))
      let yaml = "limits:\n  - metric: ns_per_op\n    cells: \"*\"\n    hard: 50%\n"
      let ended = try gate(base, slow, ["--budget", "90s"], yaml: yaml)
      #expect(ended.run.status == 2, "\(ended.run.output)\(ended.run.errors)")
      let line = try #require(ended.report.lines.first)
      let first = try #require(line.changes.first)
      #expect(first.hasPrefix("instructions per kmalloc: "))
      #expect(
        line.changes.contains { $0.hasPrefix("unchanged: ") && $0.contains("fast-path share") })
      let counted = ended.samples.filter { $0.cell.hasSuffix(" counted") }
      #expect(counted.map { $0.cell.contains(" new ") } == [false, true])
      let counts = counted.compactMap { $0.value("step_instructions_per_kmalloc") }
      #expect(counts.count == 2 && counts[1] == counts[0] + 300)
    }
  }
}
