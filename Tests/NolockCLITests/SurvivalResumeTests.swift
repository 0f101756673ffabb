import Foundation
import Measurement
import Testing

@Suite(
  "nolock run survival, interrupted", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct SurvivalResumeTests {
  /// Two settings, trials of 0.1 s.
  private func short(trials: Int) -> [String] {
    [
      "-p", "subject=heap", "-p", "setting=t10k/pair/pair,t10k/mixed/pair", "-p",
      "trials=\(trials)", "-p", "signals=1000",
    ]
  }
  /// One trial that ends at once, for there is no such file, and one of hours.
  private let long = [
    "-p", "subject=peer:/nowhere/libm.so,heap", "-p", "setting=t10k/mixed/pair", "-p", "trials=1",
    "-p", "signals=100000000",
  ]

  private func run(
    _ words: [String], _ folder: String, environment: [String: String] = [:],
    during: ((Process) -> Void)? = nil
  ) throws -> Program {
    try Program.run(
      Paths.nolock, ["run", "survival", "-o", folder] + words, environment: environment,
      folder: Paths.package, during: during)
  }

  /// Waits until so many trials are kept, at most 20 s.
  private func wait(for count: Int, in folder: String, _ process: Process) {
    for _ in 0..<4000 where process.isRunning {
      let kept = try? SurvivalResult.read(directory: folder).trials.count
      if let kept, kept >= count { return }
      usleep(5000)
    }
  }

  /// The processes that one has started.
  private func children(of process: Int32) -> [Int32] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { Int32($0) }.filter { child in
      let text = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)
      // Behind the name in brackets: state, parent.
      let words = text?.components(separatedBy: ") ").last?.split(separator: " ") ?? []
      return words.count > 1 && words[1] == "\(process)"
    }
  }

  private func exists(_ process: Int32) -> Bool {
    FileManager.default.fileExists(atPath: "/proc/\(process)")
  }

  private func what(_ result: SurvivalResult) -> [String] {
    result.trials.map { "\($0.subject) \($0.setting) \($0.trial) \($0.outcome)" }
  }

  @Test("SIGINT keeps what has ended, and --resume does the rest and nothing else")
  func interrupted() throws {
    try temporaryFolder { folder in
      let (out, other) = (folder + "/out", folder + "/other")
      // Two seconds of them: on a busy machine it takes time to see the first, and to interrupt.
      let trials = 20
      let words = short(trials: trials / 2)
      let cut = try run(words, out) { process in
        wait(for: 1, in: out, process)
        kill(process.processIdentifier, SIGINT)
      }
      #expect(cut.status == 130, "\(cut.output)\(cut.errors)")
      let before = try SurvivalResult.read(directory: out)
      #expect((1..<trials).contains(before.trials.count))
      #expect(before.interrupted)
      #expect(before.remaining.count == trials - before.trials.count)
      let said = try #require(cut.errorLines.last)
      #expect(said.contains("\(before.trials.count) of \(trials) trials kept; go on with: nolock "))
      // As the message says it.
      let resume = said.components(separatedBy: "go on with: nolock ").last ?? ""
      let again = try Program.run(
        Paths.nolock, resume.split(separator: " ").map(String.init), folder: Paths.package)
      #expect(again.status == 0, "\(again.output)\(again.errors)")
      let after = try SurvivalResult.read(directory: out)
      #expect(!after.interrupted && after.remaining.isEmpty)
      for trial in before.trials {
        // Times and all: it was not run again.
        #expect(
          try after.trials.contains { try JSONEncoder.sorted($0) == JSONEncoder.sorted(trial) })
      }
      #expect(try run(words, other).status == 0)
      #expect(what(after) == what(try SurvivalResult.read(directory: other)))
      let lines = { try String(contentsOfFile: $0 + "/survival.csv", encoding: .utf8) }
      #expect(try lines(out).split(separator: "\r\n").count == 1 + trials)
      #expect(try lines(other).split(separator: "\r\n").count == 1 + trials)
    }
  }

  @Test("SIGKILL leaves what has ended, and no trial that goes on")
  func killed() throws {
    try temporaryFolder { folder in
      let out = folder + "/out"
      var left: [Int32] = []
      let cut = try run(long, out) { process in
        wait(for: 1, in: out, process)
        for _ in 0..<1000 where left.isEmpty {
          left = children(of: process.processIdentifier)
          usleep(2000)
        }
        kill(process.processIdentifier, SIGKILL)
      }
      #expect(cut.signalled)
      let result = try SurvivalResult.read(directory: out)
      #expect(result.interrupted)
      #expect(result.trials.map(\.outcome) == [.unavailable])
      #expect(result.remaining.map(\.subject) == ["heap"])
      #expect(left.count == 1)
      for child in left {
        for _ in 0..<1000 where exists(child) { usleep(5000) }
        #expect(!exists(child), "a trial outlives its run")
      }
    }
  }

  @Test("--resume refuses another plan, other programs, another object, and what is no result")
  func refused() throws {
    try temporaryFolder { folder in
      let (out, peer) = (folder + "/out", folder + "/peer.so")
      try "no object".write(toFile: peer, atomically: true, encoding: .utf8)
      let words = ["-p", "subject=peer:" + peer, "-p", "setting=t10k/pair/pair"]
      let first = try run(words, out)
      #expect(first.status == 8, "\(first.errors)")
      func refuse(
        _ status: Int32, _ text: String, _ words: [String], environment: [String: String] = [:]
      ) throws {
        let ended = try run(words, out, environment: environment)
        #expect(ended.status == status, "\(text): \(ended.errors)")
        #expect(ended.errorLines.count == 1)
        #expect(ended.errors.contains(text), "\(ended.errors)")
      }
      try refuse(64, "holds a run of survival; --resume goes on with it", words)
      let asked = words + ["--resume"]
      #expect(try run(asked, out).status == 8)
      try refuse(64, "another plan (trials=5, not 3)", asked + ["-p", "trials=3"])
      try refuse(64, "another plan (signals=default, not 7)", asked + ["-p", "signals=7"])
      try refuse(64, "another plan (setting=", asked + ["-p", "setting=t10k/mixed/pair"])
      let other = folder + "/sample"
      try "#!/bin/sh\nexec \(Paths.sample) \"$@\"\n".write(
        toFile: other, atomically: true, encoding: .utf8)
      unsafe chmod(other, 0o755)
      try refuse(
        8, "nolock or nolock-sample changed", ["--resume"], environment: ["NOLOCK_SAMPLE": other])
      try "another".write(toFile: peer, atomically: true, encoding: .utf8)
      try refuse(8, "peer.so changed since", ["--resume"])
      try "{}".write(toFile: out + "/survival.json", atomically: true, encoding: .utf8)
      try refuse(64, "survival.json: not a survival result of schema", ["--resume"])
      try FileManager.default.removeItem(atPath: out + "/survival.json")
      try refuse(5, "survival.json: cannot be read", ["--resume"])
    }
  }

  @Test("--jobs runs them side by side, and marks the costs")
  func sideBySide() throws {
    try temporaryFolder { folder in
      let ended = try run(short(trials: 3) + ["--jobs", "3"], folder + "/out")
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(ended.output.contains("ns/pair, 3 at a time"))
      #expect(ended.output.contains("need --jobs 1"))
      let result = try SurvivalResult.read(directory: folder + "/out")
      #expect(result.trials.map(\.sideBySide) == Array(repeating: 3, count: 6))
      #expect(result.trials.map(\.trial) == [0, 1, 2, 0, 1, 2])
      let alone = try run(short(trials: 1), folder + "/alone")
      #expect(alone.status == 0, "\(alone.errors)")
      #expect(!alone.output.contains("at a time"))
    }
  }

  @Test(
    "--jobs takes 1 to 64, and only here",
    arguments: [
      (["survival", "--jobs", "0"], "--jobs '0' found, allowed: 1…64"),
      (["survival", "--jobs", "65"], "--jobs '65' found, allowed: 1…64"),
      (["quick", "--jobs", "2"], "--jobs found, allowed: with survival"),
      (["survival", "--resume"], "--resume needs the folder"),
      (["survival", "--blocks", "2"], "survival has no --blocks"),
    ])
  func usage(words: [String], text: String) throws {
    let ended = try Program.run(Paths.nolock, ["run"] + words, folder: Paths.package)
    #expect(ended.status == 64)
    #expect(ended.errorLines.count == 1)
    #expect(ended.errors.contains(text), "\(ended.errors)")
  }
}

extension JSONEncoder {
  fileprivate static func sorted(_ trial: SurvivalTrial) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(trial)
  }
}
