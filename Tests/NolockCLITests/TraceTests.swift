import Foundation
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
}
