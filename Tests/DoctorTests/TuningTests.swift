import Foundation
import Measurement
import Testing

@testable import Doctor

/// A tree of real files in the place of /proc and /sys.
@Suite("Tune and restore", .enabled(if: geteuid() == 0, "only root may"))
struct TuningTests {
  private static let watchdog = "/proc/sys/kernel/nmi_watchdog"
  private static let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
  private static let paranoid = "/proc/sys/kernel/perf_event_paranoid"

  private func machine(_ files: [String: String], _ body: (KernelFiles, String) throws -> Void)
    throws
  {
    let root = FileManager.default.temporaryDirectory.path + "/nolock-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (path, text) in files {
      let folder = (root + path as NSString).deletingLastPathComponent
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try text.write(toFile: root + path, atomically: false, encoding: .utf8)
    }
    try body(KernelFiles(root: root), root + "/state/tuning.json")
  }

  private let untuned = [
    watchdog: "1\n", governor: "powersave\n", paranoid: "2\n",
    "/proc/sys/kernel/random/boot_id": "first\n",
    "/proc/sys/kernel/randomize_va_space": "2\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
  ]

  @Test("what can be changed is, is said, and is put back")
  func roundTrip() throws {
    try machine(untuned) { files, state in
      let changes = try Tuning(files, statePath: state).tune()
      #expect(Set(changes.map(\.path)) == [Self.watchdog, Self.governor, Self.paranoid])
      #expect(changes.allSatisfy { $0.refusal == nil })
      #expect(files.text(Self.watchdog) == "0")
      #expect(files.text(Self.governor) == "performance")
      #expect(files.text("/proc/sys/kernel/randomize_va_space") == "2")
      #expect(files.text("/sys/kernel/mm/transparent_hugepage/enabled") == "[always] madvise never")
      // The process that tuned is gone: another one undoes it.
      let undone = try Tuning(files, statePath: state).restore()
      #expect(undone.count == 3)
      for (path, text) in untuned {
        #expect(files.text(path) == text.trimmingCharacters(in: .newlines), "\(path)")
      }
      #expect(!FileManager.default.fileExists(atPath: state))
      #expect(try Tuning(files, statePath: state).restore().isEmpty)
    }
  }

  @Test("a second tune, after a crash, keeps the first one's old values")
  func twice() throws {
    try machine(untuned) { files, state in
      _ = try Tuning(files, statePath: state).tune()
      try "schedutil".write(toFile: files.root + Self.governor, atomically: false, encoding: .utf8)
      _ = try Tuning(files, statePath: state).tune()
      _ = try Tuning(files, statePath: state).restore()
      #expect(files.text(Self.governor) == "powersave")
      #expect(files.text(Self.watchdog) == "1")
    }
  }

  @Test("after a reboot there is nothing to undo")
  func reboot() throws {
    try machine(untuned) { files, state in
      _ = try Tuning(files, statePath: state).tune()
      try "second".write(
        toFile: files.root + "/proc/sys/kernel/random/boot_id", atomically: false, encoding: .utf8)
      #expect(try Tuning(files, statePath: state).restore().isEmpty)
      #expect(files.text(Self.watchdog) == "0")
    }
  }

  @Test("without a place for the old values nothing is changed")
  func noState() throws {
    try machine(untuned) { files, _ in
      #expect(throws: Failure.self) {
        try Tuning(files, statePath: files.root + Self.watchdog + "/state.json").tune()
      }
      #expect(files.text(Self.watchdog) == "1")
    }
  }

  @Test("a state file of something else is refused")
  func foreignState() throws {
    try machine(untuned) { files, state in
      try FileManager.default.createDirectory(
        atPath: (state as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try "{}".write(toFile: state, atomically: false, encoding: .utf8)
      #expect(throws: Failure.self) { try Tuning(files, statePath: state).tune() }
      #expect(files.text(Self.watchdog) == "1")
    }
  }
}
