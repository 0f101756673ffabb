import Foundation
import Measurement
import TestSupport
import Testing

extension Comparing {
  /// A repository of the fixture allocator, whose build script is a call of the C compiler.
  @Suite(
    "A patch that cannot run a cell", .serialized,
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
  struct MissingPatchTests {
    private static let script = """
      #!/bin/sh
      cd "$(dirname "$0")/.." && exec clang -x c -O1 -fPIC -shared -Wl,-z,now -Wl,-Bsymbolic \\
        $(cat Sources/Slab/macros) -I Sources/CNolock Sources/CPlatform/subject.c -o "$1"
      """

    /// A commit for each set of the fixture's macros.
    private func repository(_ folder: String, _ macros: [String]) throws {
      func put(_ text: String, _ path: String) throws {
        let url = URL(fileURLWithPath: folder + "/" + path)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
      }
      try put(
        String(contentsOfFile: FixtureSubject.source, encoding: .utf8),
        "Sources/CPlatform/subject.c")
      try put(
        String(
          contentsOfFile: Paths.package + "/Sources/CNolock/include/nolock.h", encoding: .utf8),
        "Sources/CNolock/nolock.h")
      try put(Self.script, "scripts/build-subject")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder + "/scripts/build-subject")
      let git = [
        "git", "-C", folder, "-c", "user.name=Test", "-c", "user.email=test@nolock.invalid",
      ]
      func run(_ words: [String]) throws {
        let ended = try Program.run("/usr/bin/env", git + words)
        try #require(ended.status == 0, "\(words): \(ended.errors)")
      }
      try run(["init", "-q"])
      for (number, flags) in macros.enumerated() {
        try put(flags, "Sources/Slab/macros")
        try run(["add", "-A"])
        try run(["commit", "-q", "-m", "Patch \(number)"])
        try run(["tag", "p\(number)"])
      }
    }

    private static let suite = """
      base: sheaves
      groups:
        - workload: pair
          mix: [fixed:64, fixed:1024]
          live: 16
          subject: sheaves
      """

    @Test("its steps there are inconclusive with the reason, the rest is compared; a culprit is 2")
    func series() throws {
      try temporaryFolder { folder in
        try repository(
          folder + "/repository", ["-DBASE", "-DSLOW=30000", "-DNULL_ABOVE=512", "-DLAST"])
        try Self.suite.write(toFile: folder + "/suite.yaml", atomically: true, encoding: .utf8)
        let ended = try Program.nolock(
          "series", "p0..p3", "--suite", folder + "/suite.yaml", "--blocks", "16", "--layouts", "1",
          "--format", "json", "-o", folder + "/out",
          environment: ["NOLOCK_CACHE": folder + "/cache"], folder: folder + "/repository")
        // The first patch is to blame, which goes before the failed samples of the second.
        #expect(ended.status == 2, "\(ended.output)\(ended.errors)")
        #expect(ended.errors.contains("p0..p3 2: "), "\(ended.errors)")
        #expect(try SchemaCheck.complaints("series", folder + "/out/series.json") == "")
        let report = try JSONDecoder().decode(SeriesReport.self, from: Data(ended.output.utf8))
        let patches = report.versions[0].patches
        #expect(report.culprits.count == 1 && report.culprits[0].contains("1/3"))
        func effect(_ patch: Int, _ cell: String) throws -> SeriesReport.Effect {
          try #require(patches[patch - 1].effects.first { $0.cell.contains(cell) })
        }
        for patch in 1...3 {
          let small = try effect(patch, "fixed:64")
          #expect(small.patch?.ratio != nil && small.cumulative?.ratio != nil)
        }
        let slower = try #require(try effect(1, "fixed:1024").patch)
        #expect(slower.verdict == .slower, "\(slower)")
        // Both steps that lack the arm; the one beyond it is still compared with the base.
        for line in [
          try effect(2, "fixed:1024").patch, try effect(2, "fixed:1024").cumulative,
          try effect(3, "fixed:1024").patch,
        ] {
          #expect(line?.verdict == .inconclusive && line?.ratio == nil)
          #expect(line?.reason?.hasPrefix("p0..p3 2: ") == true)
          #expect(line?.reason?.contains("returned NULL") == true, "\(line?.reason ?? "")")
        }
        #expect(try effect(3, "fixed:1024").cumulative?.blocks == 16)
      }
    }
  }
}
