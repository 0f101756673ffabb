import Foundation
import Testing

private let confined = Paths.binaries + "/confined"
private let hasLibrary = FileManager.default.fileExists(
  atPath: "/usr/lib/x86_64-linux-gnu/libpfm.so.4")
private let isRoot = geteuid() == 0 && FileManager.default.fileExists(atPath: "/usr/bin/setpriv")

/// The real program, with and without libpfm4, rights and perf_event_open.
@Suite("Counters on the command line")
struct CountersCommandTests {
  private struct Listed: Decodable {
    let name: String
    let opens: Bool
    let reason: String?
    let type: UInt32?
    let config: String?
  }

  private func list(_ text: String) throws -> [Listed] {
    try JSONDecoder().decode([Listed].self, from: Data(text.utf8))
  }

  private func run(
    _ before: [String], _ counters: String, environment: [String: String] = [:]
  ) throws -> (samples: [[String: Any]], output: String) {
    var samples: [[String: Any]] = []
    var output = ""
    try temporaryFolder { folder in
      let arguments =
        before + [
          Paths.nolock, "run", "quick", "-p", "workload=pair", "-p", "calls=ordinary", "-p",
          "subject=glibc", "--blocks", "2", "--counters", counters, "-o", folder + "/out",
        ]
      let program = try Program.run(
        arguments[0], Array(arguments.dropFirst()), environment: environment, folder: Paths.package)
      #expect(program.status == 0, "\(program.errors)")
      output = program.output
      let text = try String(contentsOfFile: folder + "/out/samples.jsonl", encoding: .utf8)
      for line in text.split(separator: "\n") {
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        samples.append(try #require(object))
      }
    }
    return (samples, output)
  }

  private func counter(_ sample: [String: Any], _ event: String) throws -> [String: Any] {
    let all = try #require(sample["counters"] as? [[String: Any]])
    return try #require(all.first { $0["event"] as? String == event })
  }

  @Test(
    "events of absent PMUs are encoded in a process that asks libpfm4 for it",
    .enabled(if: hasLibrary, "no libpfm.so.4"))
  func inactive() throws {
    let program = try Program.nolock(
      "list", "counters", "amd64_fam17h_zen2::RETIRED_INSTRUCTIONS", "--format", "json",
      environment: ["LIBPFM_ENCODE_INACTIVE": "1"])
    let zen = try #require(
      try list(program.output).first { $0.name.hasSuffix("RETIRED_INSTRUCTIONS") })
    #expect(zen.type == 4)
    #expect(zen.config == "0xc0")
    let intel = try Program.nolock(
      "list", "counters", "skx::UNHALTED_CORE_CYCLES", "--format", "json",
      environment: ["LIBPFM_ENCODE_INACTIVE": "1"])
    let cycles = try #require(try list(intel.output).first)
    #expect(cycles.type == 4)
    #expect(cycles.config == "0x3c")
    // Encoded, but not tried: the number means something else on this processor.
    #expect(cycles.opens || cycles.reason?.contains("not that of this machine") == true)
  }

  @Test("under a seccomp filter: EPERM is the reason, the run goes on with the fallbacks")
  func filtered() throws {
    let program = try Program.run(
      confined, [Paths.nolock, "list", "counters", "task-clock", "--format", "json"])
    #expect(program.status == 0)
    for line in try list(program.output) {
      #expect(!line.opens)
      #expect(line.reason == "EPERM: a seccomp filter forbids perf_event_open")
    }
    let (samples, output) = try run([confined], "task-clock,page-faults,cs,cpu-migrations,cycles")
    #expect(samples.count == 2)
    for sample in samples {
      let clock = try counter(sample, "task-clock")
      #expect(clock["source"] as? String == "clock")
      #expect((clock["counter-value"] as? Int ?? 0) > 0)
      #expect((clock["reason"] as? String)?.hasPrefix("not by perf: EPERM") == true)
      #expect(try counter(sample, "page-faults")["source"] as? String == "count")
      #expect(try counter(sample, "cs")["source"] as? String == "count")
      for missing in ["cpu-migrations", "cycles"] {
        let value = try counter(sample, missing)
        #expect(value["counter-value"] is NSNull)
        #expect((value["reason"] as? String)?.hasPrefix("EPERM") == true)
      }
    }
    #expect(output.contains("n/a"))
  }

  @Test("without libpfm4: generic names work, others are null with the package's name")
  func withoutLibrary() throws {
    try temporaryFolder { folder in
      // The loader stops at a file of this name that is no library.
      try "".write(toFile: folder + "/libpfm.so.4", atomically: false, encoding: .utf8)
      let environment = ["LD_LIBRARY_PATH": folder]
      let program = try Program.nolock("list", "counters", environment: environment)
      #expect(program.status == 0)
      #expect(program.output.contains("Debian package libpfm4"))
      let (samples, _) = try run(
        [], "task-clock,amd64_fam17h_zen2::RETIRED_INSTRUCTIONS", environment: environment)
      let clock = try counter(samples[0], "task-clock")
      #expect((clock["counter-value"] as? Int ?? 0) > 0)
      let other = try counter(samples[0], "amd64_fam17h_zen2::RETIRED_INSTRUCTIONS")
      #expect(other["counter-value"] is NSNull)
      #expect((other["reason"] as? String)?.contains("Debian package libpfm4") == true)
    }
  }

  @Test("without rights: what they would give is null or has its stand-in", .enabled(if: isRoot))
  func unprivileged() throws {
    try temporaryFolder { folder in
      // A place that nobody can read, whatever the folder of the build is.
      unsafe chmod(folder, 0o755)
      try FileManager.default.copyItem(atPath: Paths.nolock, toPath: folder + "/nolock")
      let drop = ["--reuid=65534", "--regid=65534", "--clear-groups", folder + "/nolock"]
      let listed = try Program.run(
        "/usr/bin/setpriv", drop + ["list", "counters", "c", "--format", "json"], folder: "/")
      let events = try list(listed.output)
      let switches = try #require(events.first { $0.name == "context-switches" })
      let level = try String(
        contentsOfFile: "/proc/sys/kernel/perf_event_paranoid", encoding: .utf8)
      if (Int(level.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 2) > 1 {
        #expect(!switches.opens)
        #expect(switches.reason?.contains("EACCES: perf_event_paranoid is") == true)
      }
      let tune = try Program.run("/usr/bin/setpriv", drop + ["doctor", "--tune"], folder: "/")
      #expect(tune.status == 6)
      #expect(tune.errorLines.count == 1)
    }
  }

  @Test(
    "without rights the main job runs: timings, storms, exact counts, the atlas",
    .enabled(if: isRoot, "not root, or no setpriv: nothing to drop"))
  func unprivilegedRun() throws {
    try temporaryFolder { folder in
      unsafe chmod(folder, 0o777)
      for name in ["nolock", "nolock-sample"] {
        try FileManager.default.copyItem(
          atPath: Paths.binaries + "/" + name, toPath: folder + "/" + name)
      }
      let drop = ["--reuid=65534", "--regid=65534", "--clear-groups", folder + "/nolock"]
      let ended = try runsAll("/usr/bin/setpriv", drop, folder)
      // As nobody, perf's own switches need paranoid 1; getrusage stands in.
      #expect(["sw.perf", "count"].contains(try counter(ended, "cs")["source"] as? String))
      let atlas = try Program.run(
        "/usr/bin/setpriv", drop + ["atlas", "kmalloc_nolock", "--state", "hit"], folder: folder)
      #expect(atlas.status == 0, "\(atlas.errors)")
    }
  }

  @Test("under a seccomp filter the main job runs and doctor says what is forbidden")
  func filteredRun() throws {
    try temporaryFolder { folder in
      let ended = try runsAll(confined, [Paths.nolock], folder)
      #expect(try counter(ended, "cs")["source"] as? String == "count")
      let doctor = try findings(confined, [Paths.nolock], [:])
      for name in ["software events", "breakpoints"] {
        #expect(doctor[name]?["level"] as? String == "missing", "\(name)")
      }
      let state = doctor["software events"]?["state"] as? String
      #expect(state == "EPERM: a seccomp filter forbids perf_event_open")
    }
  }

  @Test("without libpfm4 the main job runs and doctor says what is missing")
  func runWithoutLibrary() throws {
    try temporaryFolder { folder in
      try "".write(toFile: folder + "/libpfm.so.4", atomically: false, encoding: .utf8)
      let environment = ["LD_LIBRARY_PATH": folder]
      _ = try runsAll(Paths.nolock, [], folder, environment: environment)
      let doctor = try findings(Paths.nolock, [], environment)
      #expect(doctor["libpfm4"]?["level"] as? String == "limited")
      #expect((doctor["libpfm4"]?["todo"] as? String)?.contains("libpfm4") == true)
    }
  }

  private func findings(
    _ program: String, _ before: [String], _ environment: [String: String]
  ) throws -> [String: [String: Any]] {
    let ended = try Program.run(
      program, before + ["doctor", "--format", "json"], environment: environment,
      folder: Paths.package)
    #expect(ended.status == 0, "\(ended.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
    let all = try #require(object?["findings"] as? [[String: Any]])
    return Dictionary(all.map { ($0["name"] as? String ?? "", $0) }) { first, _ in first }
  }

  /// One block of a timed pair, a storm by each source and an exact count: those of perf may be
  /// skipped with a reason, nothing may fail.  Returns the pair's sample.
  private func runsAll(
    _ program: String, _ before: [String], _ folder: String, environment: [String: String] = [:]
  ) throws -> [String: Any] {
    let suite = folder + "/all.yaml"
    try """
    base: sheaves
    groups:
      - {workload: pair, mix: "fixed:64", subject: sheaves}
      - {workload: storm, mix: bpf, rate: 2000, irq: [timer, perf, tgkill], subject: sheaves}
      - {workload: storm, mix: bpf, irq: [breakpoint, step], subject: sheaves}
      - {workload: pair, mix: "fixed:64", counted: true, subject: sheaves}
    """.write(toFile: suite, atomically: false, encoding: .utf8)
    let out = folder + "/out"
    let ended = try Program.run(
      program,
      before + ["run", suite, "--blocks", "1", "--counters", "task-clock,cs", "-o", out],
      environment: environment, folder: folder)
    #expect(ended.status == 0, "\(ended.errors)")
    let text = try String(contentsOfFile: out + "/samples.jsonl", encoding: .utf8)
    let samples = try text.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(object as? [String: Any])
    }
    #expect(samples.count == 7)
    for sample in samples {
      let cell = try #require(sample["cell"] as? String)
      let ofPerf = cell.contains("irq=perf") || cell.contains("irq=breakpoint")
      let status = sample["status"] as? String
      #expect(status == "ok" || (ofPerf && status == "skipped"), "\(cell)")
      if status == "skipped" { #expect((sample["reason"] as? String)?.isEmpty == false) }
    }
    let clock = try counter(samples[0], "task-clock")
    #expect((clock["counter-value"] as? Int ?? 0) > 0)
    let exact = try #require(samples.last?["exact"] as? [String: Any])
    #expect(exact["step_instructions"] as? Int == 46_000)
    #expect((exact["pmu_instructions"] is NSNull) == (exact["reason"] is String))
    return samples[0]
  }

  @Test("names that mean nothing end with 64 and one line")
  func mistakes() throws {
    for (counters, text) in [
      ("cycels", "--counters: 'cycels' is unknown, near: cycles"),
      ("cs:u", "would read 0 for ever"), ("cycles,cycles", "'cycles' stands twice"),
      ("cycles,,cs", "'' is no event name"),
    ] {
      let program = try Program.nolock("run", "quick", "--dry-run", "--counters", counters)
      #expect(program.status == 64)
      #expect(program.errorLines.count == 1)
      if hasLibrary { #expect(program.errors.contains(text), "\(program.errors)") }
    }
    #expect(try Program.nolock("list", "counters", "nosuchcounteratall").status == 5)
    #expect(try Program.nolock("list", "mixes", "pattern").status == 64)
  }

  @Test("a suite's key: names in it are checked like the option's")
  func suiteKey() throws {
    try temporaryFolder { folder in
      let path = folder + "/counted.yaml"
      let suite =
        "counters: [task-clock, %]\ngroups:\n  - workload: pair\n    mix: bpf\n    subject: glibc\n"
      try suite.replacing("%", with: "cycels").write(
        toFile: path, atomically: false, encoding: .utf8)
      let wrong = try Program.nolock("run", path, "--dry-run")
      #expect(wrong.status == 64)
      #expect(wrong.errors.contains("\(path):1: key 'counters': 'cycels'"), "\(wrong.errors)")
      try suite.replacing("%", with: "page-faults").write(
        toFile: path, atomically: false, encoding: .utf8)
      let plan = try Program.nolock("run", path, "--dry-run", "--format", "json")
      let object = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
      let counters = try #require(object?["counters"] as? [String: Any])
      #expect(counters["subsets"] as? [[Int]] == [[0, 1]])
    }
  }

  @Test("nine events of the kernel take two samples; each block counts its subset")
  func subsets() throws {
    let names = [
      "task-clock", "cpu-clock", "page-faults", "minor-faults", "major-faults", "context-switches",
      "cpu-migrations", "alignment-faults", "emulation-faults",
    ]
    let probe = try Program.nolock("list", "counters", "task-clock", "--format", "json")
    guard try list(probe.output).first?.opens == true, isRoot else { return }
    let (samples, _) = try run([], names.joined(separator: ","))
    let counts = samples.map { ($0["counters"] as? [Any])?.count }
    #expect(counts == [8, 1])
  }

  @Test("two threads: each one's own value and times are in JSON and CSV")
  func threads() throws {
    try temporaryFolder { folder in
      let out = folder + "/out"
      let ended = try Program.nolock(
        "run", "quick", "-p", "workload=pair", "-p", "calls=ordinary", "-p", "subject=glibc", "-p",
        "threads=2", "--blocks", "1", "--counters", "task-clock", "-o", out)
      #expect(ended.status == 0, "\(ended.errors)")
      let text = try String(contentsOfFile: out + "/samples.jsonl", encoding: .utf8)
      let line = try #require(text.split(separator: "\n").first)
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      let clock = try counter(try #require(object), "task-clock")
      let threads = try #require(clock["threads"] as? [[String: Any]])
      let csv = try String(contentsOfFile: out + "/result.csv", encoding: .utf8)
      guard clock["source"] as? String == "sw.perf" else {
        #expect(threads.isEmpty)
        return
      }
      for (key, whole) in [
        ("counter-value", "counter-value"), ("event-enabled", "event-enabled"),
        ("event-runtime", "event-runtime"),
      ] {
        let own = threads.compactMap { $0[key] as? Int }
        #expect(own.count == 2 && own.reduce(0, +) == clock[whole] as? Int, "\(key)")
      }
      for thread in 0..<2 { #expect(csv.contains(",task-clock.thread.\(thread),ns,sw.perf,")) }
    }
  }

  @Test("doctor prints the same findings in every format")
  func doctor() throws {
    let json = try Program.nolock("doctor", "--format", "json")
    #expect(json.status == 0, "\(json.errors)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(object["calibration"] is NSNull)
    let names = (object["findings"] as? [[String: Any]])?.compactMap { $0["name"] as? String } ?? []
    #expect(names.contains("pmu"))
    for format in ["text", "csv", "markdown"] {
      let program = try Program.nolock("doctor", "--format", format)
      #expect(program.status == 0)
      // Markdown escapes underscores.
      let text = program.output.replacing("\\_", with: "_")
      #expect(names.allSatisfy(text.contains), "\(format)")
    }
    #expect(try Program.nolock("doctor", "--tune", "--restore").status == 64)
  }
}
