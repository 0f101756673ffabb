import Foundation
import TestSupport
import Testing

extension Comparing {
  @Suite("docs/ci.md", .enabled(if: TestObjects.built != nil))
  struct RecipeTests {
    @Test("the shell recipe passes its gate's exit code on, and writes what it says")
    func recipe() throws {
      let text = try String(contentsOfFile: Paths.package + "/docs/ci.md", encoding: .utf8)
      let parts = text.components(separatedBy: "```sh\n#!/bin/sh\n")
      let script = try #require(parts.last?.components(separatedBy: "\n```").first)
      #expect(parts.count == 2)
      let object = try #require(TestObjects.built?.first)
      try temporaryFolder { folder in
        func run(_ base: String) throws -> Program {
          try Program.run(
            "/bin/sh", ["-c", script],
            environment: [
              "NOLOCK": Paths.nolock, "BASE": base, "NEW": "rev:" + object, "BUDGET": "5s",
              "LAYOUTS": "1", "OUT": folder + "/" + (base.hasPrefix("rev:") ? "good" : "bad"),
            ], folder: Paths.package)
        }
        let good = try run("rev:" + object)
        #expect(good.status == 0, "\(good.errors)")
        #expect(good.output.contains("gate: pass"))
        let junit = try String(contentsOfFile: folder + "/good/gate.xml", encoding: .utf8)
        #expect(junit.contains("<testsuite"))
        let bad = try run("no-such-revision")
        #expect(bad.status == 5 && bad.output.contains("gate: not green (5)"))
      }
    }
  }
}
