import Foundation
import Testing

@testable import Doctor

@Suite("Examination")
struct ExaminationTests {
  @Test("everything the contract names is looked at, each with what it means")
  func complete() {
    let findings = Examination.findings()
    #expect(
      Set(findings.map(\.name)).isSuperset(of: [
        "pmu", "perf_event_paranoid", "libpfm4", "rdpmc", "breakpoints", "trap flag", "psi",
        "steal",
        "governor", "turbo", "smt", "thp", "aslr", "isolated CPUs", "timer resolution",
        "clock source", "virtualisation", "nmi_watchdog", "tsc",
      ]))
    #expect(findings.allSatisfy { !$0.state.isEmpty && !$0.means.isEmpty })
    #expect(Set(findings.map(\.name)).count == findings.count)
  }

  @Test("a machine without its files: unknown, not good")
  func empty() {
    let checks =
      NoiseChecks(KernelFiles(root: "/nonexistent")).findings
      + MachineChecks(KernelFiles(root: "/nonexistent")).findings
    let unread = checks.filter { $0.name != "timer resolution" && $0.name != "tsc" }
    #expect(unread.allSatisfy { $0.level == .unknown || $0.level == .missing }, "\(unread)")
  }

  @Test("what tune changes is found to be in need of it")
  func untuned() throws {
    let root = FileManager.default.temporaryDirectory.path + "/nolock-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let cpu = root + "/sys/devices/system/cpu"
    try FileManager.default.createDirectory(
      atPath: cpu + "/cpu0/cpufreq", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: cpu + "/cpufreq", withIntermediateDirectories: true)
    try "powersave\n".write(
      toFile: cpu + "/cpu0/cpufreq/scaling_governor", atomically: false, encoding: .utf8)
    try "1\n".write(toFile: cpu + "/cpufreq/boost", atomically: false, encoding: .utf8)
    let findings = MachineChecks(KernelFiles(root: root)).findings
    for name in ["governor", "turbo"] {
      let finding = try #require(findings.first { $0.name == name })
      #expect(finding.level == .limited)
      #expect(finding.todo == "--tune")
    }
    let wanted = Tuning(KernelFiles(root: root), statePath: "").wanted()
    #expect(wanted.map(\.new) == ["performance", "0"])
  }
}
