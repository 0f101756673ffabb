import CRecords
import Foundation
import Measurement
import TestSupport
import Testing

@Suite(
  "nolock run survival", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct SurvivalTests {
  private struct Ended {
    var status: Int32
    var errors: [String]
    var result: SurvivalResult?
  }

  private func survive(_ parameters: String...) throws -> Ended {
    var ended = Ended(status: 0, errors: [])
    try temporaryFolder { folder in
      let words = parameters.flatMap { ["-p", $0] }
      let program = try Program.run(
        Paths.nolock, ["run", "survival", "-o", folder + "/out"] + words, folder: Paths.package)
      ended.status = program.status
      ended.errors = program.errorLines
      if let file = FileManager.default.contents(atPath: folder + "/out/survival.json") {
        ended.result = try JSONDecoder().decode(SurvivalResult.self, from: file)
        let lines = try String(contentsOfFile: folder + "/out/survival.csv", encoding: .utf8)
          .split(separator: "\r\n")
        #expect(lines.count == 1 + (ended.result?.trials.count ?? 0))
      }
    }
    return ended
  }

  @Test("ours survives bursts, a storm with another thread, and every instruction")
  func ours() throws {
    let ended = try survive(
      "subject=heap", "setting=t10k/mixed/burst,storm/mt/hold,step/mixed/hold", "trials=1",
      "signals=500")
    #expect(ended.status == 0, "\(ended.errors)")
    let trials = try #require(ended.result?.trials)
    #expect(trials.count == 3)
    for trial in trials {
      #expect(trial.outcome == .ok, "\(trial.setting): \(trial.detail ?? "")")
      #expect(trial.signals >= 500)
      #expect(trial.handlerNanoseconds != nil)
    }
  }

  /// 64 objects of random sizes per signal: glibc's malloc has never lived through 5,000 of them.
  @Test("glibc does not, and its death is a result, not a failure")
  func glibc() throws {
    let ended = try survive(
      "subject=glibc", "setting=t10k/mixed/burst,step/mixed/hold", "trials=2", "signals=20000")
    #expect(ended.status == 0, "\(ended.errors)")
    let trials = try #require(ended.result?.trials)
    #expect(trials.count == 4)
    let deaths: Set<SurvivalOutcome> = [.deadlock, .livelock, .crash, .abort, .corrupt]
    for trial in trials {
      #expect(deaths.contains(trial.outcome), "\(trial.setting): \(trial.outcome)")
      #expect(trial.signals < 20_000 || trial.outcome == .livelock)
    }
  }

  @Test("an allocator of ours without its trylock is found, and that is exit code 3")
  func brokenTwin() throws {
    let object = try TestObjects.build(flags: ["NOLOCK_BROKEN_NO_TRYLOCK"])
    let ended = try survive(
      "subject=rev:" + object, "setting=step/mixed/hold", "trials=1", "signals=20000")
    #expect(ended.status == 3)
    #expect(ended.errors.last?.contains("promises to survive") == true)
    #expect(ended.result?.trials.first?.outcome != .ok)
  }

  @Test("a subject that is not there is skipped with the reason; nothing to try is void")
  func missing() throws {
    let ended = try survive("subject=peer:/nowhere/libm.so", "setting=t10k/pair/pair", "trials=1")
    #expect(ended.status == 8)
    #expect(ended.result?.trials.first?.outcome == .unavailable)
    #expect(ended.result?.trials.first?.detail?.contains("/nowhere/libm.so") == true)
  }

  @Test(
    "wrong words are one line with what is allowed",
    arguments: [
      ("subject=null", "allowed: sheaves, heap"), ("setting=t2k/mixed/pair", "t1k/mixed/pair"),
      ("trials=0", "1…1000"), ("signals=x", "1…100000000"),
      ("blocks=3", "subject, setting, trials, signals"),
    ])
  func usage(parameter: String, allowed: String) throws {
    let ended = try survive(parameter)
    #expect(ended.status == 64)
    #expect(ended.errors.count == 1)
    #expect(ended.errors.first?.contains(allowed) == true, "\(ended.errors)")
  }

  @Test("--dry-run shows every setting and starts nothing")
  func dryRun() throws {
    let program = try Program.nolock("run", "survival", "--dry-run", "--quick")
    #expect(program.status == 0)
    for setting in SurvivalSetting.all { #expect(program.output.contains(setting.name)) }
    #expect(program.output.contains("96 trials"))
  }
}
