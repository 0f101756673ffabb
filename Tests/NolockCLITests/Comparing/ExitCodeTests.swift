import Foundation
import Measurement
import TestSupport
import Testing

private let limits = """
  limits:
    - metric: step_instructions
      cells: "pair/*"
      exact: true
  """

extension Comparing {
  /// What is no verdict: never green, and never bad under `git bisect run` (harness.md, "Commands").
  @Suite("Exit codes of the gate", .serialized, .enabled(if: TestObjects.planted(1) != nil))
  struct ExitCodeTests {
    /// Both with and without `--bisect`, which maps to 128.
    private func stops(
      _ status: Int32, _ words: [String], _ text: String, environment: [String: String] = [:]
    ) throws {
      for (more, expected) in [([], status), (["--bisect"], 128)] as [([String], Int32)] {
        let ended = try Program.run(
          Paths.nolock, ["gate"] + words + more, environment: environment, folder: Paths.package)
        #expect(ended.status == expected, "\(words + more): \(ended.errors)")
        #expect(ended.errorLines.count == 1 && ended.errors.contains(text), "\(ended.errors)")
      }
    }

    @Test("usage 64, not found 5, not permitted 6; 128 for bisect")
    func stopping() throws {
      let object = "rev:" + (try #require(TestObjects.built?.first))
      try temporaryFolder { folder in
        try stops(64, [], "--against is missing")
        try stops(64, ["--no-such-option"], "--no-such-option")
        try stops(64, ["--against", object, "--limits", "/nonexistent.yaml"], "cannot be read")
        try stops(64, ["--against", object, "--budget", "never"], "--budget 'never' found")
        try stops(64, ["--against", "sheaves"], "allowed: a baseline, a git revision")
        try stops(5, ["--against", "no-such-name"], "'no-such-name'")
        try stops(5, ["--against", "rev:/nonexistent.so"], "/nonexistent.so cannot be read")
        try stops(5, ["--against", object, "--new", "no-such", "-o", folder + "/a"], "'no-such'")
        try stops(6, ["--against", object, "-o", "/proc/nolock"], "output folder /proc/nolock")
        try stops(5, ["--resume", "-o", folder + "/none"], "comparison.json: cannot be read")
      }
    }

    @Test("a foreign machine, a folder without its object, an object changed: 8, 125 for bisect")
    func void() throws {
      let object = try #require(TestObjects.built?.first)
      try temporaryFolder { folder in
        let environment = ["NOLOCK_BASELINES": folder + "/bases"]
        func nolock(_ words: String...) throws -> Program {
          try Program.run(Paths.nolock, words, environment: environment, folder: Paths.package)
        }
        let saved = try nolock(
          "baseline", "save", "one", "--from", "rev:" + object, "--blocks", "1", "-p",
          "workload=pair", "-o", folder + "/out")
        #expect(saved.status == 0, "\(saved.errors)")
        let file = folder + "/bases/one/baseline.json"
        #expect(try SchemaCheck.complaints("baseline", file) == "")
        try limits.write(toFile: folder + "/limits.yaml", atomically: true, encoding: .utf8)
        let gate = [
          "gate", "--new", "rev:" + object, "--limits", folder + "/limits.yaml", "-p",
          "workload=pair", "--measure-identical", "-o",
        ]
        func judge(_ number: Int, _ base: String, _ more: String...) throws -> Program {
          try Program.run(
            Paths.nolock, gate + ["\(folder)/g\(number)", "--against", base] + more,
            environment: environment, folder: Paths.package)
        }
        // By its name and by its folder.
        #expect(try judge(1, "one").status == 0)
        #expect(try judge(2, folder + "/bases/one").status == 0)

        let text = try String(contentsOfFile: file, encoding: .utf8)
        let kernel = try #require(Fingerprint.machineFacts()["kernel"]?.value)
        try text.replacing("\"value\" : \"\(kernel)\"", with: "\"value\" : \"another\"")
          .write(toFile: file, atomically: true, encoding: .utf8)
        let foreign = try judge(3, "one")
        #expect(foreign.status == 8 && foreign.errors.contains("of another machine: kernel"))
        #expect(try judge(4, "one", "--bisect").status == 125)
        #expect(try judge(5, "one", "--allow", "kernel").status == 0)

        // Results, but no object to run.
        let bare = try judge(6, folder + "/out")
        #expect(bare.status == 8 && bare.errors.contains("no object to run"), "\(bare.errors)")
        #expect(try judge(7, folder + "/out", "--bisect").status == 125)

        try FileManager.default.removeItem(atPath: folder + "/bases/one/subject-0.so")
        #expect(try judge(8, "one", "--allow", "kernel").status == 8)
        #expect(try judge(9, "one", "--allow", "kernel", "--bisect").status == 125)
      }
    }

    @Test("red goes before void, void before failed, failed before inconclusive")
    func order() throws {
      func report(_ outcomes: [GateReport.Outcome]) -> GateReport {
        GateReport(
          against: "a", new: "b",
          lines: outcomes.map {
            .init(
              cell: "c", metric: "m", limit: 0, isSoft: false, blocks: 0, outcome: $0,
              message: "", changes: [])
          })
      }
      let all: [(GateReport.Outcome, Int32)] = [
        (.regression, 2), (.void, 8), (.failed, 3), (.inconclusive, 7), (.improvement, 4),
        (.warning, 0), (.pass, 0),
      ]
      for index in all.indices {
        let rest = all[index...].map(\.0).reversed()
        #expect(report(Array(rest)).status(failOnImprovement: true).rawValue == all[index].1)
      }
      #expect(report([.improvement]).status(failOnImprovement: false) == .ok)
      #expect(report([]).status(failOnImprovement: false) == .void)
    }
  }
}
