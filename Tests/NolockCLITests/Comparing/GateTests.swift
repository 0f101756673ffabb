import Foundation
import Measurement
import TestSupport
import Testing

private let limits = """
  suite: compare
  limits:
    - metric: ns_per_op
      cells: "pair/*"
      hard: 50%
    - metric: operations
      cells: "pair/*"
      exact: true
  """

extension Comparing {
  /// The same code in both arms, as two files; what differs is done from outside.
  @Suite("A gate that proves itself", .serialized, .enabled(if: TestObjects.built != nil))
  struct GateTests {
    struct Ended {
      var run: Program
      var report: GateReport?
    }

    private func gate(
      _ change: SabotagedSample.Change?, _ more: [String] = [], yaml: String = limits,
      budget: String = "90s"
    ) throws -> Ended {
      var ended: Ended?
      try temporaryFolder { folder in
        let object = try #require(TestObjects.built?.first)
        let new = folder + "/new.so"
        try FileManager.default.copyItem(atPath: object, toPath: new)
        try yaml.write(toFile: folder + "/limits.yaml", atomically: true, encoding: .utf8)
        var environment = ["NOLOCK_BASELINES": folder]
        if let change {
          try SabotagedSample.write(change, to: folder + "/sample")
          environment["NOLOCK_SAMPLE"] = folder + "/sample"
        }
        let out = folder + "/out"
        let run = try Program.run(
          Paths.nolock,
          [
            "gate", "--against", "rev:" + object, "--new", "rev:" + new, "--measure-identical",
            "--limits", folder + "/limits.yaml", "-p", "workload=pair", "--budget", budget, "-o",
            out,
          ] + more, environment: environment, folder: Paths.package)
        let data = FileManager.default.contents(atPath: out + "/gate.json")
        ended = Ended(
          run: run, report: try data.map { try JSONDecoder().decode(GateReport.self, from: $0) })
      }
      return try #require(ended)
    }

    @Test("identical code is green or undecided, never red or void")
    func identical() throws {
      let ended = try gate(nil)
      #expect([0, 7].contains(ended.run.status), "\(ended.run.output)\(ended.run.errors)")
      let counts = try #require(ended.report?.lines.first { $0.metric == "operations" })
      #expect(counts.outcome == .pass && counts.copy == .held && counts.plant == .held)
    }

    @Test("a copy that is slower than its base voids the gate")
    func slowCopy() throws {
      let ended = try gate(.slowCopy)
      #expect(ended.run.status == 8, "\(ended.run.output)\(ended.run.errors)")
      #expect(ended.report?.lines.first?.copy == .failed)
    }

    @Test("a plant that is not slowed voids the gate")
    func idlePlant() throws {
      let ended = try gate(.idlePlant)
      #expect(ended.run.status == 8, "\(ended.run.output)\(ended.run.errors)")
      #expect(ended.report?.lines.first?.plant == .failed)
    }

    @Test("slower by more than twice the limit is red, in every output; --bisect says bad")
    func regression() throws {
      try temporaryFolder { folder in
        let ended = try gate(
          .slowNew,
          ["--bisect", "--github", "--junit", folder + "/j.xml", "--summary", folder + "/s.md"])
        #expect(ended.run.status == 1, "\(ended.run.output)\(ended.run.errors)")
        #expect(ended.report?.lines.first?.outcome == .regression)
        #expect(ended.run.errors.contains("::error title=regression ns_per_op::pair/"))
        let junit = try String(contentsOfFile: folder + "/j.xml", encoding: .utf8)
        #expect(junit.contains("failures=\"1\"") && junit.contains("<failure message="))
        #expect(
          try String(contentsOfFile: folder + "/s.md", encoding: .utf8).contains(
            "regression: above"))
      }
    }

    @Test("one block decides nothing: 7, and 125 for bisect")
    func oneBlock() throws {
      #expect(try gate(nil, ["--blocks", "1"]).run.status == 7)
      #expect(try gate(nil, ["--blocks", "1", "--bisect"]).run.status == 125)
    }

    @Test("code whose samples fail is 3, not red")
    func failing() throws {
      #expect(try gate(.failingNew).run.status == 3)
    }

    @Test("a limit without a cell, an unknown count and a bad file are never green")
    func neverGreen() throws {
      let nothing = limits.replacing("\"pair/*\"", with: "\"pear/*\"")
      #expect(try gate(nil, yaml: nothing).run.status == 8)
      let count = limits.replacing("operations", with: "no_such_count")
      #expect(try gate(nil, yaml: count).run.status == 8)
      let bad = try gate(nil, yaml: limits.replacing("50%", with: "-1"))
      #expect(bad.run.status == 64)
      #expect(bad.run.errorLines.last?.contains("limits.yaml:5: key 'hard': '-1' found") == true)
    }

    @Test("a missing baseline is 5 (128 for bisect), a folder without its object 8")
    func missing() throws {
      #expect(try Program.nolock("gate", "--against", "no-such-thing").status == 5)
      #expect(try Program.nolock("gate", "--against", "no-such-thing", "--bisect").status == 128)
      #expect(try Program.nolock("gate", "--against", Paths.package + "/Tests").status == 8)
      #expect(try Program.nolock("gate").status == 64)
    }
  }
}
