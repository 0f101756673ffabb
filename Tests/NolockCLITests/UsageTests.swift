import Foundation
import Testing

@Suite("Broken arguments: one line and the right exit code")
struct UsageTests {
  @Test(
    "arguments",
    arguments: [
      (["run", "-p", "threads=0"], "threads '0' found, allowed: 1…256"),
      (["run", "-p", "threads=257"], "threads '257' found, allowed: 1…256"),
      (["run", "-p", "rate=-1"], "rate '-1' found, allowed: 1…1,000,000 per second and thread"),
      (["run", "-p", "rate=1000001"], "rate '1000001' found, allowed: 1…1,000,000"),
      (["run", "-p", "rate=nan"], "rate 'nan' found, allowed: 1…1,000,000"),
      (["run", "-p", "subject=jemaloc"], "subject 'jemaloc' found, allowed: sheaves, heap, cpuslab"),
      (["run", "-p", "subject=a,glibc"], "subject 'a' found, allowed: sheaves"),
      (["run", "-p", "mix=fixed:0"], "mix 'fixed:0' found, allowed: fixed:N, uniform:A-B"),
      (["run", "-p", "thread=2"], "axis 'thread' is unknown, allowed: workload, mix"),
      (["run", "-p", "threads"], "not of the form axis=value,value"),
      (["run", "-p", "workload=rcu"], "workload 'rcu' found, allowed: pair, batch"),
      (["run", "nosuch"], "suite 'nosuch' not found, allowed: allocator, compare, designs, full, goals, interrupts, kunit, long-storm, nolock-cost, quick, or a path"),
      (["run", "no/such.yaml"], "suite no/such.yaml: cannot be read: No such file or directory"),
      (["run", "/bin/"], "suite /bin/: cannot be read: Is a directory"),
      (["run", "quick", "-p", "trace=/no/such"], "trace /no/such: cannot be read: No such file"),
      (["run", "-p", "seconds=-1"], "seconds '-1' found, allowed: 0…86400"),
      (["run", "--blocks", "0"], "--blocks '0' found, allowed: 1…100000"),
      (["run", "--resume"], "--resume needs the folder"),
      (["run", "--bogus"], "Unknown option '--bogus'"),
      (["run", "--format", "xml"], "Please provide one of 'text', 'json', 'csv' or 'markdown'"),
      (["list", "cows"], "subjects - workloads - mixes"),
      (["list"], "Missing expected argument"),
      (["dance"], "Unexpected argument 'dance'"),
      (["trace", "show", "/no/such/file"], "/no/such/file: cannot be opened"),
    ])
  func arguments(words: [String], text: String) throws {
    let result = try Program.run(Paths.nolock, words, folder: Paths.package)
    #expect(result.status == 64)
    #expect(!result.signalled)
    #expect(result.output.isEmpty)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains(text), "\(result.errors)")
  }

  @Test("an output folder that cannot be written is 6, before the first sample")
  func unwritable() throws {
    let result = try Program.nolock("run", "-o", "/proc/nolock")
    #expect(result.status == 6)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("output folder /proc/nolock: No such file or directory"))
    let file = try Program.nolock("run", "-o", Paths.package + "/Package.swift")
    #expect(file.status == 6)
    #expect(file.errorLines.count == 1)
    #expect(file.errors.contains("Package.swift") && file.errors.contains("Not a directory"))
  }

  @Test("a sample program that is not there is 5 and named")
  func noSample() throws {
    let result = try Program.nolock(
      "run", "-o", "/tmp/never", environment: ["NOLOCK_SAMPLE": "/no/such/program"])
    #expect(result.status == 5)
    #expect(result.errorLines.count == 1)
    #expect(result.errors.contains("/no/such/program: not an executable file"))
    #expect(!FileManager.default.fileExists(atPath: "/tmp/never"))
  }

  @Test("help has an example and is no error", arguments: ["run", "list", "trace"])
  func help(verb: String) throws {
    let result = try Program.nolock(verb, "--help")
    #expect(result.status == 0)
    #expect(result.output.contains("Example: nolock \(verb)"))
  }

  @Test("--version is the library's (scripts/build-library), on stdout, in every verb")
  func version() throws {
    let script = try String(
      contentsOfFile: Paths.package + "/scripts/build-library", encoding: .utf8)
    let number = try #require(script.firstMatch(of: /(?m)^version=(.+)$/)?.1)
    for words in [["--version"], ["run", "--version"]] {
      let result = try Program.run(Paths.nolock, words)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output == "nolock \(number)\n")
      #expect(result.errors.isEmpty)
    }
  }

  @Test("a dry run prints the plan and writes nothing")
  func dryRun() throws {
    try temporaryFolder { folder in
      let result = try Program.nolock(
        "run", "quick", "--dry-run", "--blocks", "7", "-o", folder + "/out")
      #expect(result.status == 0)
      #expect(result.output.contains("7 blocks"))
      #expect(result.output.contains("replay/*/mix=trace:hackbench.nltrace.gz/threads=2/irq=timer"))
      #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
      let json = try Program.nolock("run", "quick", "--dry-run", "--format", "json")
      let plan = try JSONSerialization.jsonObject(with: Data(json.output.utf8))
      #expect((plan as? [String: Any])?["blocks"] as? Int == 10)
    }
  }

  @Test("lists say what exists, whatever this machine has")
  func lists() throws {
    for (kind, name) in [
      ("workloads", "replay"), ("mixes", "slabinfo"), ("interrupts", "tgkill"),
      ("counters", "task-clock"), ("suites", "quick"),
    ] {
      let result = try Program.nolock("list", kind, "--format", "csv")
      #expect(result.status == 0)
      let columns = kind == "counters" ? "opens here,reason,description" : "available,note"
      #expect(result.output.hasPrefix("name,\(columns)\r\n"))
      #expect(result.output.contains(name), "\(kind)")
    }
  }
}
