import Testing

@testable import Measurement
@testable import Reports

@Suite("Tables of survival")
struct SurvivalTablesTests {
  /// `heap` at half of what a peer costs that lives through bursts; another that does not.
  private func result(sideBySide: Int, keep: Int) throws -> SurvivalResult {
    var plan = SurvivalPlan()
    try plan.override("subject=heap,peer:/x/one.so,glibc")
    try plan.override("setting=t10k/mixed/burst")
    try plan.override("trials=2")
    var result = SurvivalResult(
      command: [], fingerprint: Fingerprint(machine: [:], code: [:], programs: [:]), plan: plan)
    for task in plan.tasks.prefix(keep) {
      let ok = task.subject != "glibc"
      let ns: UInt64 = task.subject == "heap" ? 100 : 200
      result.add(
        SurvivalTrial(
          subject: task.subject, setting: task.setting.name, trial: task.trial,
          outcome: ok ? .ok : .deadlock, signals: ok ? 50_000 : 7, operations: 1, nulls: 0,
          handlerNanoseconds: ok ? ns : nil, handlerCalls: 128, pairPicoseconds: ns * 20,
          sideBySide: sideBySide, seconds: 1, detail: nil))
    }
    return result
  }

  @Test("costs say how they were measured, and stand against the survivors alone")
  func costs() throws {
    let table = SurvivalTables.summary(try result(sideBySide: 1, keep: 6))
    #expect(
      table.rows == [
        ["heap", "ok 2", "2/2", "2.00", "0.50", "100", "0.50"],
        ["peer:one.so", "ok 2", "2/2", "4.00", "1.00", "200", "1.00"],
        ["glibc", "deadlock 2 @7", "0/2", "4.00", "1.00", "–", "–"],
      ])
    let notes = table.notes.joined(separator: "\n")
    #expect(
      notes.contains("heap against peer:one.so, which survived: 0.50 × its pair, 0.50 × its burst"))
    #expect(!notes.contains("against glibc") && !notes.contains("at a time"))
    #expect(notes.contains("the least of 21") && notes.contains("a handler of t10k/mixed/burst"))
    #expect(!notes.contains("interrupted"))
  }

  @Test("times of trials side by side are marked, and so is a part of the plan")
  func marks() throws {
    let table = SurvivalTables.summary(try result(sideBySide: 2, keep: 3))
    #expect(table.columns.map(\.title).contains("ns/pair, 2 at a time"))
    #expect(table.columns.map(\.title).contains("ns/burst, 2 at a time"))
    #expect(table.notes.contains { $0.contains("with 2 trials at a time") })
    #expect(table.notes.last == "interrupted: 3 of 6 trials")
    // One trial of two is no survivor.
    #expect(!table.notes.contains { $0.contains("which survived") })
  }
}
