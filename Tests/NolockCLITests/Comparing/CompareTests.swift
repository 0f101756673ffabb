import Foundation
import Measurement
import TestSupport
import Testing

extension Comparing {
  @Suite(
    "nolock compare", .serialized,
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
  struct CompareTests {
    private func report(_ folder: String) throws -> ComparisonReport {
      try JSONDecoder().decode(
        ComparisonReport.self,
        from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + ComparisonReport.fileName)))
    }

    @Test("too few blocks for a look decide nothing, and every block has every arm")
    func tooFew() throws {
      try temporaryFolder { folder in
        let out = folder + "/out"
        let ended = try Program.nolock(
          "compare", "sheaves", "heap", "glibc", "--blocks", "3", "-p", "workload=pair", "-o", out,
          "--format", "csv")
        #expect(ended.status == 0, "\(ended.errors)")
        let lines = try report(out).lines
        #expect(lines.map(\.verdict) == [.inconclusive, .inconclusive])
        #expect(lines.map(\.blocks) == [3, 3])
        #expect(lines.allSatisfy { $0.low == nil && $0.ratio != nil })
        #expect(ended.output.split(whereSeparator: \.isNewline).count == 3)
        let samples = try SampleLog.read(directory: out)
        #expect(samples.count == 9)
        for block in 0..<3 {
          let own = samples.filter { $0.block == block }
          #expect(own.map(\.position) == [0, 1, 2])
          #expect(Set(own.map(\.hash)).count == 3)
          #expect(Set(own.map(\.seed)).count == 1)
        }
        // The same work in every arm and block, in equal chunks.
        #expect(Set(samples.compactMap { $0.value("iterations") }).count == 1)
      }
    }

    @Test("an interrupted comparison goes on with the same orders and seeds")
    func resume() throws {
      try temporaryFolder { folder in
        let out = folder + "/out"
        let words = [
          "compare", "sheaves", "heap", "--blocks", "16", "--seed", "7", "-p", "workload=pair",
          "-o",
          out,
        ]
        #expect(try Program.run(Paths.nolock, words, folder: Paths.package).status == 0)
        let whole = try SampleLog.read(directory: out)
        let path = out + "/" + SampleLog.fileName
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        // Ten whole blocks, one sample of the next, and a torn record.
        let kept = lines.prefix(21).joined(separator: "\n") + "\n" + lines[21].prefix(50)
        try kept.write(toFile: path, atomically: true, encoding: .utf8)
        let again = try Program.nolock("compare", "--resume", "-o", out)
        #expect(again.status == 0, "\(again.errors)")
        let resumed = try SampleLog.read(directory: out)
        func work(_ samples: [Sample]) -> [String] {
          samples.map { "\($0.hash) \($0.block) \($0.position) \($0.seed)" }
        }
        // The block that was cut is run again as another attempt.
        let last = resumed.filter { $0.block != 10 || $0.attempt == 1 }
        #expect(work(last) == work(whole))
        #expect(try report(out).lines.map(\.blocks) == [16])
      }
    }

    @Test(
      "builds that are equal to the byte are booked, not measured",
      .enabled(if: TestObjects.built != nil))
    func identical() throws {
      try temporaryFolder { folder in
        let object = try #require(TestObjects.built?.first)
        try FileManager.default.copyItem(atPath: object, toPath: folder + "/other.so")
        let ended = try Program.nolock(
          "compare", "rev:" + object, "rev:\(folder)/other.so", "-o", folder + "/out")
        #expect(ended.status == 0, "\(ended.errors)")
        let lines = try report(folder + "/out").lines
        #expect(lines.count == 3 && lines.allSatisfy { $0.identical && $0.verdict == .same })
        #expect(ended.output.contains("same (identical build)"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/out/samples.jsonl"))
      }
    }

    @Test("result folders: refused where the machine differs, with the field; allowed by name")
    func stored() throws {
      try temporaryFolder { folder in
        let suite = """
          blocks: 6
          groups:
            - workload: pair
              mix: fixed:64
              subject: [glibc]
          """
        try suite.write(toFile: folder + "/s.yaml", atomically: true, encoding: .utf8)
        for name in ["a", "b"] {
          let ended = try Program.nolock("run", folder + "/s.yaml", "-o", folder + "/" + name)
          #expect(ended.status == 0, "\(ended.errors)")
        }
        let fine = try Program.nolock("compare", folder + "/a", folder + "/b")
        #expect(fine.status == 0, "\(fine.errors)")
        #expect(fine.output.contains("stored times, not measured side by side"))
        var plan = try Plan.read(directory: folder + "/b")
        plan.fingerprint.machine["kernel"] = .known("another")
        try AtomicFile.write(json: plan, to: folder + "/b/" + Plan.fileName)
        let refused = try Program.nolock("compare", folder + "/a", folder + "/b")
        #expect(refused.status == 8)
        #expect(refused.errorLines.count == 1 && refused.errors.contains("differ in kernel "))
        let allowed = try Program.nolock(
          "compare", folder + "/a", folder + "/b", "--allow", "kernel", "--format", "json")
        #expect(allowed.status == 0, "\(allowed.errors)")
      }
    }

    @Test(
      "wrong arguments are 64, an unknown name 5, one line each",
      arguments: [
        (["sheaves"], 64, "1 names found"), (["sheaves", "sheaves"], 64, "stands twice"),
        (["sheaves", "no-such-thing"], 5, "no git revision"),
        (["sheaves", "heap", "--budget", "never"], 64, "--budget 'never' found"),
        (["sheaves", "heap", "--margin", "-1"], 64, "--margin"),
        (["sheaves", "heap", "--layouts", "0"], 64, "--layouts '0' found"),
        (["sheaves", "heap", "-p", "subject=glibc"], 64, "subjects are the arguments"),
        (["sheaves", "rev:/nonexistent.so"], 5, "cannot be read"),
      ])
    func usage(_ words: [String], _ status: Int32, _ text: String) throws {
      try temporaryFolder { folder in
        let ended = try Program.run(
          Paths.nolock, ["compare"] + words + ["-o", folder + "/out"], folder: Paths.package)
        #expect(ended.status == status, "\(ended.errors)")
        #expect(ended.errors.contains(text), "\(ended.errors)")
        #expect(ended.errorLines.count == 1)
      }
    }
  }
}
