import Foundation
import Measurement
import Testing

@Suite("nolock trace")
struct TraceTests {
  private let hackbench = Paths.package + "/Benchmarks/traces/hackbench.nltrace.gz"

  @Test("show prints every format; import writes what show then reads the same")
  func showAndImport() throws {
    try temporaryFolder { folder in
      let archive = try Program.nolock("trace", "show", hackbench, "--format", "json")
      #expect(archive.status == 0)
      let copy = folder + "/copy.nltrace"
      let imported = try Program.nolock("trace", "import", hackbench, "-o", copy)
      #expect(imported.status == 0)
      #expect(imported.output.isEmpty)
      let raw = try Program.nolock("trace", "show", copy, "--format", "json")
      for key in ["events", "allocations", "remoteFrees"] {
        let values = try [archive, raw].map { program in
          let json = try JSONSerialization.jsonObject(with: Data(program.output.utf8))
          return try #require((json as? [String: Any])?[key] as? Int)
        }
        #expect(values[0] == values[1] && values[0] > 0, "\(key)")
      }
      for format in ["text", "csv", "markdown"] {
        #expect(try Program.nolock("trace", "show", copy, "--format", format).status == 0)
      }
    }
  }

  @Test("a truncated, an empty and a garbage file are 64 and one line")
  func broken() throws {
    try temporaryFolder { folder in
      let whole = try Data(contentsOf: URL(fileURLWithPath: hackbench))
      let files: [(String, Data)] = [
        ("cut.nltrace.gz", whole.prefix(whole.count / 2)), ("empty.txt", Data()),
        ("garbage.txt", Data((0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 37) })),
      ]
      for (name, data) in files {
        let path = folder + "/" + name
        try data.write(to: URL(fileURLWithPath: path))
        let shown = try Program.nolock("trace", "show", path)
        #expect(shown.status == 64, "\(name): \(shown.output)")
        #expect(shown.errorLines.count == 1, "\(shown.errors)")
        #expect(shown.errors.contains(path))
        #expect(shown.output.isEmpty)
        // The same file in a suite is refused before the first sample.
        let suite = folder + "/s.yaml"
        try "groups: [{workload: replay, trace: \"\(path)\", subject: \"null\"}]"
          .write(toFile: suite, atomically: true, encoding: .utf8)
        let ran = try Program.nolock("run", suite, "-o", folder + "/out-" + name)
        #expect(ran.status == 64 || ran.status == 5, "\(ran.errors)")
        #expect(ran.errorLines.count == 1)
        #expect(!FileManager.default.fileExists(atPath: folder + "/out-" + name))
      }
      let denied = try Program.nolock("trace", "import", hackbench, "-o", "/proc/x.nltrace")
      #expect(denied.status == 6)
      #expect(denied.errorLines.count == 1)
    }
  }

  /// What this process may use.
  private static let hasTracefs =
    geteuid() == 0
    && FileManager.default.fileExists(atPath: "/sys/kernel/tracing/events/kmem/kmalloc")
  private static let hasPerf =
    geteuid() == 0
    // Not by Foundation's Process: its children inherit blocked signals, and perf waits for SIGCHLD.
    && (try? ShortProgram.run(
      "perf", ["record", "-q", "-a", "-e", "kmem:kmalloc", "-o", "/dev/null", "--", "true"]))?
      .succeeded == true

  private func record(_ way: String, context: Bool) throws {
    try temporaryFolder { folder in
      let file = folder + "/r.nltrace.gz"
      let ended = try Program.nolock(
        "trace", "record", "--via", way, "--buffer", "8", "-o", file, "--", "ls", "/usr/bin")
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(ended.output.contains("env"))
      #expect(ended.errors.contains(" by \(way), \(context ? "with" : "without") contexts"))
      #expect(
        !(try FileManager.default.contentsOfDirectory(atPath: folder)).contains {
          $0.hasSuffix(".part")
        })
      let shown = try Program.nolock("trace", "show", file, "--format", "json")
      let json = try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any]
      #expect((json?["allocations"] as? Int ?? 0) > 0)
      // Replayable at once.
      let suite = folder + "/s.yaml"
      try "{blocks: 1, base: heap, groups: [{workload: replay, trace: \"\(file)\", subject: heap}]}"
        .write(toFile: suite, atomically: true, encoding: .utf8)
      let ran = try Program.nolock("run", suite, "-o", folder + "/out")
      #expect(ran.status == 0, "\(ran.errors)")
      let instances = "/sys/kernel/tracing/instances"
      let left = (try? FileManager.default.contentsOfDirectory(atPath: instances)) ?? []
      #expect(!left.contains { $0.hasPrefix("nolock-") })
    }
  }

  @Test(
    "records through tracefs, with contexts, and leaves no instance behind",
    .enabled(if: hasTracefs, "no tracefs that this process may write"))
  func recordByTracefs() throws { try record("tracefs", context: true) }

  @Test(
    "records through perf", .enabled(if: hasPerf, "perf record -a is not possible here"))
  func recordByPerf() throws { try record("perf", context: false) }

  @Test("where nothing may record, 6 and one line say what is missing for each way")
  func recordRefused() throws {
    try temporaryFolder { folder in
      // Laid out like tracefs, but nothing behind it.
      let fake = folder + "/tracing"
      try FileManager.default.createDirectory(
        atPath: fake + "/events/kmem", withIntermediateDirectories: true)
      try FileManager.default.createDirectory(
        atPath: fake + "/instances", withIntermediateDirectories: true)
      let tools = ["PATH": folder]
      let out = folder + "/r.gz"
      func refused(_ arguments: String...) throws -> String {
        let ended = try Program.run(
          Paths.nolock, ["trace", "record", "-o", out] + arguments + ["--", "/bin/true"],
          environment: tools)
        #expect(ended.status == 6, "\(ended.errors)")
        #expect(ended.errorLines.count == 1)
        #expect(!FileManager.default.fileExists(atPath: out))
        return ended.errors
      }
      let both = try refused("--tracefs", fake)
      #expect(both.contains("/events/kmem: no events kmalloc and kfree"))
      #expect(both.contains("perf: not installed"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: fake + "/instances").isEmpty)
      let absent = try refused("--tracefs", folder + "/absent", "--via", "tracefs")
      #expect(absent.contains("ENOENT") && absent.contains("mount -t tracefs"))
      let file = try refused("--tracefs", "/dev/null", "--via", "tracefs")
      #expect(file.contains("ENOTDIR"))
      let usage = try Program.nolock("trace", "record")
      #expect(usage.status == 64 && usage.errors.contains("neither a command"))
    }
  }
}
