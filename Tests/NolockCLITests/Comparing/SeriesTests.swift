import Foundation
import Measurement
import TestSupport
import Testing

extension Comparing {
  @Suite(
    "nolock series, on a clone of this repository", .serialized,
    .enabled(if: TestObjects.built != nil))
  struct SeriesTests {
    private func git(_ folder: String, _ words: String...) throws -> String {
      let who = ["-c", "user.name=Test", "-c", "user.email=test@nolock.invalid"]
      let run = try Program.run("/usr/bin/env", ["git", "-C", folder] + who + words)
      #expect(run.status == 0, "git \(words): \(run.errors)")
      return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func commit(_ folder: String, _ title: String, _ change: (String) -> String) throws {
      let path = folder + "/Sources/Slab/Debug/Counter.swift"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try change(text).write(toFile: path, atomically: true, encoding: .utf8)
      _ = try git(folder, "commit", "-qam", title)
    }

    @Test("a comment is identical; what does not apply or build is said, and the rest goes on")
    func problems() throws {
      try temporaryFolder { folder in
        let clone = folder + "/clone"
        _ = try git(Paths.package, "clone", "-q", "--no-tags", Paths.package, clone)
        // The script of the working tree, which the clone's commit may not have yet.
        let script = clone + "/scripts/build-subject"
        try FileManager.default.removeItem(atPath: script)
        try FileManager.default.copyItem(
          atPath: Paths.package + "/scripts/build-subject", toPath: script)
        _ = try git(clone, "commit", "-q", "--allow-empty", "-am", "base")
        let base = try git(clone, "rev-parse", "HEAD")
        try commit(clone, "A comment") { "// A comment.\n// Of\n// several\n// lines.\n" + $0 }
        try commit(clone, "Breaks the build") { $0 + "\nlet broken: Int = \"text\"\n" }
        try commit(clone, "Repairs it") { $0.replacing("\nlet broken: Int = \"text\"\n", with: "") }
        let mails = try git(clone, "format-patch", "--stdout", "--base=\(base)", "\(base)..HEAD")
        try (mails + "\n").write(toFile: folder + "/v2.mbox", atomically: true, encoding: .utf8)
        // v3: the first comment is another one, and a patch whose context does not exist is added.
        let other = mails.replacing("+// A comment.", with: "+// Another comment.")
        let lost = """

          From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001
          From: Test <test@nolock.invalid>
          Date: Sat, 21 Nov 2026 10:00:00 +0000
          Subject: [PATCH v3 4/4] Does not apply

          ---
          diff --git a/Sources/Slab/No.swift b/Sources/Slab/No.swift
          --- a/Sources/Slab/No.swift
          +++ b/Sources/Slab/No.swift
          @@ -1,1 +1,1 @@
          -one
          +two
          --
          2.39.5

          """
        try (other + lost).write(toFile: folder + "/v3.mbox", atomically: true, encoding: .utf8)
        let ended = try Program.nolock(
          "series", "--mbox", folder + "/v2.mbox", "--mbox", folder + "/v3.mbox", "--layouts", "1",
          "-p", "workload=pair", "--blocks", "2", "-o", folder + "/out", "--format", "json",
          environment: ["NOLOCK_CACHE": folder + "/cache"], folder: clone)
        #expect(ended.status == 3, "\(ended.output)\(ended.errors)")
        let report = try JSONDecoder().decode(SeriesReport.self, from: Data(ended.output.utf8))
        #expect(report.culprits.isEmpty)
        #expect(try SchemaCheck.complaints("series", folder + "/out/series.json") == "")
        let v2 = report.versions[0].patches
        #expect(v2.map(\.title) == ["A comment", "Breaks the build", "Repairs it"])
        #expect(v2[0].effects.first?.patch?.identical == true)
        #expect(v2[1].problem?.contains("does not build") == true)
        #expect(v2[1].problem?.contains("error:") == true)
        #expect(v2[2].effects.first?.cumulative?.identical == true)
        let v3 = report.versions[1].patches
        #expect(v3.count == 4)
        #expect(v3[3].commit == nil && v3[3].problem?.contains("does not apply") == true)
        #expect(report.matches.first.map { "\($0.old ?? 0)\($0.sign)\($0.new ?? 0)" } == "1!1")
        #expect(report.matches.count == 3)
        // Worktrees are gone.
        #expect(try git(clone, "worktree", "list").split(separator: "\n").count == 1)
      }
    }

    @Test(
      "wrong arguments",
      arguments: [
        ([], 64), (["HEAD"], 64), (["HEAD..HEAD"], 5), (["no-such..HEAD"], 5),
        (["--mbox", "/nonexistent.mbox"], 64), (["HEAD~1..HEAD", "--mbox", "x"], 64),
      ] as [([String], Int32)])
    func usage(_ words: [String], _ status: Int32) throws {
      let ended = try Program.run(Paths.nolock, ["series"] + words, folder: Paths.package)
      #expect(ended.status == status, "\(ended.errors)")
      #expect(ended.errorLines.count == 1)
    }

    @Test(
      "baselines: saved with their object, listed, gated against, refused when changed, deleted")
    func baselines() throws {
      try temporaryFolder { folder in
        let object = try #require(TestObjects.built?.first)
        let environment = ["NOLOCK_BASELINES": folder + "/bases"]
        func nolock(_ words: String...) throws -> Program {
          try Program.run(Paths.nolock, words, environment: environment, folder: Paths.package)
        }
        let saved = try nolock(
          "baseline", "save", "one", "--from", "rev:" + object, "--blocks", "2", "-p",
          "workload=pair", "-o", folder + "/out")
        #expect(saved.status == 0, "\(saved.errors)")
        #expect(try nolock("baseline", "list").output.contains("one"))
        #expect(try nolock("baseline", "show", "one").output.contains("pair/*/mix=fixed:64"))
        let green = try nolock(
          "gate", "--against", "one", "--new", "rev:" + object, "-o", folder + "/g")
        #expect(green.status == 0, "\(green.output)\(green.errors)")
        #expect(green.output.contains("identical build"))
        let stored = folder + "/bases/one/subject-0.so"
        try Data("no object".utf8).write(to: URL(fileURLWithPath: stored))
        #expect(try nolock("gate", "--against", "one", "-o", folder + "/h").status == 8)
        #expect(try nolock("baseline", "delete", "one").status == 0)
        #expect(try nolock("baseline", "delete", "one").status == 5)
        #expect(try nolock("baseline", "show", "one").status == 5)
        #expect(try nolock("baseline", "save", "../x").status == 64)
      }
    }
  }
}
