import Foundation
import Measurement
import TestSupport
import Testing

extension Comparing {
  /// Interrupted in the middle and gone on with, every verb reports what an undisturbed run does.
  /// The sample program gives fixed numbers, so the reports can be compared as a whole.
  @Suite(
    "--resume", .serialized,
    .enabled(if: FaultySample.problem == nil, "no C compiler for the sample program"))
  struct ResumeTests {
    /// A report without what may differ: the command, as the folder is in it.
    private func report(_ path: String) throws -> NSDictionary {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      var values = try #require(
        try JSONSerialization.jsonObject(with: data) as? [String: Any], "\(path)")
      values["command"] = nil
      return values as NSDictionary
    }

    /// Runs `words` twice, once with a SIGINT in between; both must report the same.
    private func check(
      _ words: [String], _ file: String, status: Int32, environment: [String: String] = [:],
      package: String = Paths.package
    ) throws {
      try temporaryFolder { folder in
        let slow = try environment.merging([
          "NOLOCK_SAMPLE": FaultySample.path.get(), "FAULT_SLEEP_US": "50000",
        ]) { $1 }
        let fast = slow.merging(["FAULT_SLEEP_US": "0"]) { $1 }
        let (out, other) = (folder + "/out", folder + "/other")
        let cut = try Program.run(
          Paths.nolock, words + ["-o", out], environment: slow, folder: package
        ) { process in
          let log = out + "/" + SampleLog.fileName
          for _ in 0..<24_000 where process.isRunning {
            let size = (try? Data(contentsOf: URL(fileURLWithPath: log)).count) ?? 0
            if size > 4000 { break }
            usleep(5000)
          }
          kill(process.processIdentifier, SIGINT)
        }
        #expect(cut.status == 130, "\(cut.output)\(cut.errors)")
        let before = try SampleLog.read(directory: out).count
        #expect(before > 0)
        let log = try FileHandle(forUpdating: URL(fileURLWithPath: out + "/" + SampleLog.fileName))
        try log.seekToEnd()
        try log.write(contentsOf: Data("{\"cell\":\"torn".utf8))
        try log.close()
        // As the message says it.
        let said = try #require(cut.errorLines.last { $0.contains("go on with: nolock ") })
        let resume =
          said.components(separatedBy: "nolock ").last?
          .split(separator: " ").map(String.init) ?? []
        #expect(resume.contains("--resume"))
        let again = try Program.run(Paths.nolock, resume, environment: fast, folder: package)
        #expect(again.status == status, "\(again.output)\(again.errors)")
        let whole = try Program.run(
          Paths.nolock, words + ["-o", other], environment: fast, folder: package)
        #expect(whole.status == status, "\(whole.output)\(whole.errors)")
        #expect(try report(out + "/" + file) == report(other + "/" + file))
        #expect(again.output == whole.output)
        #expect(try SampleLog.read(directory: out).count > before)
      }
    }

    @Test("compare")
    func compare() throws {
      try check(
        [
          "compare", "sheaves", "heap", "glibc", "--blocks", "32", "--seed", "7", "-p",
          "workload=pair,churn",
        ], ComparisonReport.fileName, status: 0)
    }

    @Test("gate", .enabled(if: TestObjects.built != nil))
    func gate() throws {
      let objects = try #require(TestObjects.built)
      // Each file's name has another length, which is what these samples take: the copy fails.
      try check(
        [
          "gate", "--against", "rev:" + objects[0], "--new", "rev:" + objects[1],
          "--measure-identical", "--blocks", "16", "--seed", "7", "--limits",
          Paths.package + "/Benchmarks/limits.yaml",
        ], GateReport.fileName, status: 8)
    }

    @Test("series", .enabled(if: Fixture.clone != nil))
    func series() throws {
      let fixture = try #require(Fixture.clone)
      try check(
        [
          "series", "\(fixture.good)..\(fixture.bad)", "--layouts", "1", "--blocks", "16", "--seed",
          "7",
        ], SeriesReport.fileName, status: 0, environment: fixture.environment,
        package: fixture.path)
    }
  }

  @Suite(
    "Under git bisect run", .serialized,
    .enabled(if: Fixture.clone != nil, "the fixture repository cannot be made"))
  struct BisectTests {
    @Test("finds the commit that costs one instruction, by counts alone")
    func bisect() throws {
      let fixture = try #require(Fixture.clone)
      let limits = Paths.package + "/Benchmarks/limits-counted.yaml"
      func git(_ words: String...) throws -> Program {
        try Program.run(
          "/usr/bin/env", ["git", "-C", fixture.path] + words, environment: fixture.environment)
      }
      #expect(try git("bisect", "start", fixture.bad, fixture.good).status == 0)
      let ended = try git(
        "bisect", "run", Paths.nolock, "gate", "--against", fixture.good, "--new", "HEAD",
        "--bisect", "--limits", limits, "--layouts", "1", "-p", "workload=pair")
      #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
      #expect(
        ended.output.contains("\(fixture.culprit) is the first bad commit"), "\(ended.output)")
      #expect(try git("bisect", "reset").status == 0)
    }
  }
}

/// A clone of this repository with four commits on top: comments, and one that costs.
struct Fixture {
  let path: String
  let good: String
  let culprit: String
  let bad: String
  let environment: [String: String]

  /// `nil` where git or the build scripts do not work here.
  static let clone: Fixture? = try? make()

  private static func make() throws -> Fixture {
    let folder = FileManager.default.temporaryDirectory.path + "/nolock-fixture-\(getpid())"
    let path = folder + "/clone"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    func run(_ words: [String]) throws -> String {
      let ended = try Program.run("/usr/bin/env", words)
      guard ended.status == 0 else { throw CocoaError(.executableLoad) }
      return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    func commit(_ title: String) throws -> String {
      let who = ["-c", "user.name=Test", "-c", "user.email=test@nolock.invalid"]
      _ = try run(["git", "-C", path] + who + ["add", "-A"])
      _ = try run(["git", "-C", path] + who + ["commit", "-q", "--allow-empty", "-m", title])
      return try run(["git", "-C", path, "rev-parse", "HEAD"])
    }
    func comment(_ text: String) throws {
      let file = path + "/Sources/Slab/Debug/Counter.swift"
      let old = try String(contentsOfFile: file, encoding: .utf8)
      try "// \(text)\n\(old)".write(toFile: file, atomically: true, encoding: .utf8)
    }
    _ = try run(["git", "clone", "-q", "--no-tags", Paths.package, path])
    // The sources of the working tree, which may be ahead of its commit.
    for name in ["Sources", "scripts"] {
      _ = try run(["rm", "-rf", path + "/" + name])
      _ = try run(["cp", "-r", Paths.package + "/" + name, path + "/" + name])
    }
    let good = try commit("Base")
    try comment("A comment.")
    _ = try commit("A comment")
    _ = try run([
      Paths.package + "/Benchmarks/studies/planted-subject", "none", "1", path,
    ])
    let culprit = try commit("One instruction more")
    try comment("Another.")
    _ = try commit("Another comment")
    try comment("The last.")
    let bad = try commit("The last comment")
    return Fixture(
      path: path, good: good, culprit: culprit, bad: bad,
      environment: ["NOLOCK_CACHE": folder + "/cache"])
  }
}
