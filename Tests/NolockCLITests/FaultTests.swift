import Foundation
import Measurement
import Testing

/// A small suite on the faulty sample program.
private let suite = """
  base: glibc
  blocks: 8
  groups:
    - workload: pair
      mix: fixed:64
      subject: [sheaves, heap, glibc, "null"]
    - workload: churn
      live: 10
      mix: bpf
      subject: [sheaves, glibc]
  """

@Suite(
  "Samples that fail", .serialized,
  .enabled(if: FaultySample.problem == nil, "no C compiler for the faulty sample program"))
struct FaultTests {
  private func run(
    _ folder: String, _ fault: [String: String], _ more: [String] = [],
    during: ((Process) -> Void)? = nil
  ) throws -> Program {
    let path = folder + "/small.yaml"
    try suite.write(toFile: path, atomically: true, encoding: .utf8)
    let environment = try fault.merging(["NOLOCK_SAMPLE": FaultySample.path.get()]) { $1 }
    return try Program.run(
      Paths.nolock,
      ["run"] + (more.contains("--resume") ? [] : [path]) + ["-o", folder + "/out"] + more,
      environment: environment, folder: folder, during: during)
  }

  private func result(_ folder: String) throws -> RunResult {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/out/result.json"))
    return try JSONDecoder().decode(RunResult.self, from: data)
  }

  @Test(
    "one failure: recorded with its reason, its block dropped, the rest goes on, exit 3",
    arguments: [
      ("crash", "ended by signal 11 (SIGSEGV)"), ("silent", "no record"),
      ("exit", "exit code 9, no record: no memory left"),
      ("books", "books do not balance: 7 lost"), ("garbage", "not a record of this build"),
      ("abi", "abi 77"), ("torn", "torn record"),
    ])
  func once(mode: String, reason: String) throws {
    try temporaryFolder { folder in
      let ended = try run(
        folder, ["FAULT": mode, "FAULT_SUBJECT": "heap", "FAULT_ONCE": folder + "/once"])
      #expect(ended.status == 3)
      #expect(ended.errorLines.last?.contains("1 sample failed") == true)
      let samples = try SampleLog.read(directory: folder + "/out")
      #expect(samples.count == 48)
      let failed = samples.filter { $0.status == .failed }
      #expect(failed.count == 1)
      #expect(failed.first?.reason?.contains(reason) == true, "\(failed)")
      #expect(failed.first?.signal == (mode == "crash" ? 11 : nil))
      let found = try result(folder)
      for cell in found.cells {
        let isHit = cell.cell.workload == .pair
        #expect(cell.state == .ok)
        #expect(cell.blocksValid == (isHit ? 7 : 8))
        #expect(cell.blocksDiscarded == (isHit ? 1 : 0))
        #expect(cell.summary("ns_per_op")?.n == (isHit ? 7 : 8))
      }
    }
  }

  @Test("a hang is killed by the watchdog and recorded; after two the arm is not run again")
  func hang() throws {
    try temporaryFolder { folder in
      let ended = try run(
        folder, ["FAULT": "hang", "FAULT_SUBJECT": "heap"], ["--sample-timeout", "0.3"])
      #expect(ended.status == 3)
      let found = try result(folder)
      let hung = found.cells.first { $0.cell.subject == "heap" }
      #expect(hung?.state == .failed)
      #expect(hung?.samplesFailed == 2)
      #expect(hung?.reason?.contains("watchdog") == true)
      #expect(found.cells.filter { $0.state == .ok }.count == 5)
      #expect(found.cells.filter { $0.state == .ok }.allSatisfy { $0.blocksValid == 8 })
      #expect(ended.output.contains("heap FAILED: watchdog"))
    }
  }

  @Test("skipped is a reason, not an error, and asked only once")
  func skipped() throws {
    try temporaryFolder { folder in
      let ended = try run(folder, ["FAULT": "skip", "FAULT_SUBJECT": "glibc"])
      #expect(ended.status == 0)
      let samples = try SampleLog.read(directory: folder + "/out")
      #expect(samples.filter { $0.status == .skipped }.count == 2)
      #expect(ended.output.contains("glibc skipped: no any-context calls"))
      #expect(try result(folder).cells.allSatisfy { $0.ratios.isEmpty })
    }
  }

  @Test("Ctrl-C leaves valid files and 130; --resume gives what an undisturbed run gives")
  func interrupted() throws {
    try temporaryFolder { folder in
      let ended = try run(folder, ["FAULT_SLEEP_US": "100000"]) { process in
        let log = folder + "/out/" + SampleLog.fileName
        for _ in 0..<2000 {
          let size = (try? Data(contentsOf: URL(fileURLWithPath: log)).count) ?? 0
          if size > 5000 { break }
          usleep(5000)
        }
        kill(process.processIdentifier, SIGINT)
      }
      #expect(ended.status == 130)
      #expect(!ended.signalled)
      #expect(ended.errorLines.last?.contains("--resume") == true)
      let partial = try result(folder)
      #expect(partial.interrupted)
      let before = try SampleLog.read(directory: folder + "/out").count
      #expect(before > 0 && before < 48)
      // A run that was killed while it wrote.
      let log = try FileHandle(
        forUpdating: URL(fileURLWithPath: folder + "/out/" + SampleLog.fileName))
      try log.seekToEnd()
      try log.write(contentsOf: Data("{\"cell\":\"torn".utf8))
      try log.close()

      let resumed = try run(folder, [:], ["--resume"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      try temporaryFolder { other in
        #expect(try run(other, [:]).status == 0)
        let (a, b) = (try result(folder), try result(other))
        #expect(!a.interrupted)
        #expect(a.cells == b.cells)
        let seeds = { (folder: String) in
          Set(
            try SampleLog.read(directory: folder + "/out").map {
              "\($0.cell) \($0.block) \($0.seed)"
            })
        }
        #expect(try seeds(folder) == seeds(other))
        let whole = try SampleLog.read(directory: folder + "/out")
        let last = Dictionary(grouping: whole, by: { "\($0.cell) \($0.block)" })
        #expect(last.count == 48)
      }
    }
  }

  @Test("a folder with a run is not overwritten")
  func occupied() throws {
    try temporaryFolder { folder in
      #expect(try run(folder, [:]).status == 0)
      let again = try run(folder, [:])
      #expect(again.status == 64)
      #expect(again.errorLines.count == 1)
      #expect(again.errors.contains("holds a run; --resume goes on with it"))
    }
  }

  @Test(
    "every format prints the same run on stdout", arguments: ["text", "json", "csv", "markdown"])
  func formats(format: String) throws {
    try temporaryFolder { folder in
      let ended = try run(folder, [:], ["--format", format])
      #expect(ended.status == 0)
      let out = ended.output
      switch format {
      case "json":
        #expect(out == (try String(contentsOfFile: folder + "/out/result.json", encoding: .utf8)))
      case "csv":
        #expect(out == (try String(contentsOfFile: folder + "/out/result.csv", encoding: .utf8)))
      case "markdown": #expect(out.contains("| sheaves |"))
      default:
        #expect(out.contains("sheaves"))
        let longest = out.split(separator: "\n").map(\.count).max() ?? 0
        #expect(longest <= 100)
      }
    }
  }

  @Test("a reader of stdout that goes away does not fail the run")
  func closedOutput() throws {
    try temporaryFolder { folder in
      try suite.write(toFile: folder + "/small.yaml", atomically: true, encoding: .utf8)
      let line = """
        '\(Paths.nolock)' run '\(folder)/small.yaml' -o '\(folder)/out' --format json | true
        exit ${PIPESTATUS[0]}
        """
      let ended = try Program.run(
        "/usr/bin/env", ["bash", "-c", line],
        environment: ["NOLOCK_SAMPLE": FaultySample.path.get()])
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(try result(folder).cells.count == 6)
    }
  }

  @Test("list subjects shows what the sample program says")
  func subjects() throws {
    let sample = try FaultySample.path.get()
    let listed = try Program.nolock(
      "list", "subjects", "--format", "csv", environment: ["NOLOCK_SAMPLE": sample])
    #expect(listed.status == 0)
    #expect(listed.output.contains("sheaves,yes,1.0\r\n"))
    #expect(listed.output.contains("tcmalloc,no,install libgoogle-perftools4\r\n"))
  }
}
