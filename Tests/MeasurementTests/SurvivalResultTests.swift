import Foundation
import Testing

@testable import Measurement

@Suite("Results of survival")
struct SurvivalResultTests {
  private let settings = ["t10k/pair/pair", "t10k/mixed/burst", "step/mixed/hold"]

  /// Three settings of two trials each.
  private func empty(_ subjects: String...) throws -> SurvivalResult {
    var plan = SurvivalPlan()
    try plan.override("subject=" + subjects.joined(separator: ","))
    try plan.override("setting=" + settings.joined(separator: ","))
    try plan.override("trials=2")
    return SurvivalResult(
      command: [], fingerprint: Fingerprint(machine: [:], code: [:], programs: [:]), plan: plan)
  }

  private func trial(
    _ task: SurvivalPlan.Task, _ outcome: SurvivalOutcome = .ok, ns: UInt64 = 100
  ) -> SurvivalTrial {
    SurvivalTrial(
      subject: task.subject, setting: task.setting.name, trial: task.trial, outcome: outcome,
      signals: 1, operations: 1, nulls: 0, handlerNanoseconds: outcome == .ok ? ns : nil,
      handlerCalls: 2, pairPicoseconds: ns * 10, sideBySide: 1, seconds: 1, detail: nil)
  }

  @Test("trials stand in the plan's order, whatever the order in which they end")
  func order() throws {
    var result = try empty("heap", "glibc")
    let tasks = result.plan.tasks
    #expect(tasks.count == 12 && result.remaining == tasks && result.interrupted)
    var random = SystemRandomNumberGenerator()
    let shuffled = tasks.shuffled(using: &random)
    for (index, task) in shuffled.enumerated() {
      result.add(trial(task))
      #expect(Set(result.remaining) == Set(shuffled[(index + 1)...]))
      #expect(result.interrupted == (index < 11))
    }
    #expect(result.trials.map(\.subject) == tasks.map(\.subject))
    #expect(result.trials.map(\.setting) == tasks.map(\.setting.name))
    #expect(result.trials.map(\.trial) == tasks.map(\.trial))
  }

  @Test("a peer survives by every planned trial but those of every instruction; the cheapest first")
  func survivors() throws {
    var result = try empty("heap", "glibc", "jemalloc", "peer:/x/one.so", "peer:/x/two.so")
    for task in result.plan.tasks where task.subject != "jemalloc" {
      let dies = task.subject == "glibc" ? task.trial == 1 : task.setting.isStep
      result.add(trial(task, dies ? .crash : .ok, ns: task.subject.contains("one") ? 300 : 200))
    }
    #expect(result.survivingPeers == ["peer:/x/two.so", "peer:/x/one.so"])
    #expect(result.score("peer:/x/one.so", step: true) == (0, 2))
    #expect(result.pairCost("peer:/x/one.so") == 3)
    let burst = try #require(result.costSetting)
    #expect(result.cost("peer:/x/two.so", burst) == 200)
    // One survived trial of four is not all.
    let first = try #require(result.remaining.first)
    #expect(first.subject == "jemalloc")
    result.add(trial(first))
    #expect(!result.survivingPeers.contains("jemalloc"))
  }

  @Test("a plan's difference names the axis and both values")
  func difference() throws {
    let plan = try empty("heap").plan
    var other = plan
    #expect(plan.difference(from: other) == nil)
    try other.override("subject=heap,glibc")
    #expect(plan.difference(from: other) == "subject=heap, not heap,glibc")
    other = plan
    try other.override("signals=9")
    #expect(plan.difference(from: other) == "signals=default, not 9")
    other = plan
    other.seed = 2
    #expect(plan.difference(from: other) == "seed=1, not 2")
  }
}
