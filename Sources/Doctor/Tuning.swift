import Foundation
public import Measurement
import Traces

/// Settings of the machine that measuring wants otherwise, and the way back.
///
/// The old values are in a file before the first change, so they survive a crash; a second
/// `--tune` never overwrites them.
public struct Tuning {
  /// One setting that was changed, or not.
  public struct Change: Codable, Equatable, Sendable {
    public var path: String
    public var old: String
    public var new: String
    /// Why the kernel refused; nil iff it is changed.
    @Explicit public var refusal: String?
  }

  private struct State: Codable {
    var schema = "nolock-tuning/1"
    /// The machine's boot that the values belong to: a reboot undoes them all.
    var boot: String
    var old: [String: String]
  }

  public static let standardState = "/var/lib/nolock/tuning.json"
  private let files: KernelFiles
  private let statePath: String

  /// - Parameter statePath: where the old values are kept.
  public init(_ files: KernelFiles = KernelFiles(), statePath: String = Tuning.standardState) {
    self.files = files
    self.statePath = statePath
  }

  /// What would be changed.  THP, ASLR and SMT are never: they are part of what is measured.
  func wanted() -> [Change] {
    var changes: [Change] = []
    func want(_ path: String, _ new: String, unless fine: (String) -> Bool) {
      guard let old = files.text(path), !fine(old) else { return }
      changes.append(Change(path: path, old: old, new: new, refusal: nil))
    }
    want("/proc/sys/kernel/perf_event_paranoid", "1") { (Int($0) ?? 0) <= 1 }
    want("/proc/sys/kernel/perf_event_max_sample_rate", "100000") { (Int($0) ?? 0) >= 100_000 }
    want("/proc/sys/kernel/nmi_watchdog", "0") { $0 == "0" }
    let cpus = MachineChecks.cpuFolder
    for cpu in files.names(cpus) {
      let folder = "\(cpus)/\(cpu)/cpufreq"
      let available = files.text(folder + "/scaling_available_governors") ?? "performance"
      guard available.split(separator: " ").contains("performance") else { continue }
      want(folder + "/scaling_governor", "performance") { $0 == "performance" }
    }
    want("\(cpus)/intel_pstate/no_turbo", "1") { $0 == "1" }
    want("\(cpus)/cpufreq/boost", "0") { $0 == "0" }
    for device in files.names("/sys/bus/event_source/devices") {
      want("/sys/bus/event_source/devices/\(device)/rdpmc", "1") { $0 != "0" }
    }
    return changes
  }

  /// Changes what can be changed.
  ///
  /// - Throws: `notPermitted` where this process is not root, or the old values cannot be stored:
  ///   then nothing is changed.
  public func tune() throws(Failure) -> [Change] {
    try needsRoot()
    var changes = wanted()
    guard !changes.isEmpty else { return [] }
    // Values of an earlier tune that was not undone are the true old ones.
    var state = try read() ?? State(boot: boot, old: [:])
    if state.boot != boot { state = State(boot: boot, old: [:]) }
    for change in changes where state.old[change.path] == nil {
      state.old[change.path] = change.old
    }
    try write(state)
    for index in changes.indices {
      changes[index].refusal = set(changes[index].path, changes[index].new)
    }
    return changes
  }

  /// Puts the old values back and forgets them; values that the kernel refuses are kept.
  ///
  /// - Returns: what was changed; empty where there was nothing to undo.
  /// - Throws: `notPermitted` where this process is not root, `usage` where the file is not ours.
  public func restore() throws(Failure) -> [Change] {
    try needsRoot()
    guard var state = try read() else { return [] }
    var changes: [Change] = []
    // After a reboot the kernel has its own values again.
    if state.boot == boot {
      for (path, old) in state.old.sorted(by: { $0.key < $1.key }) {
        let now = files.text(path) ?? ""
        let refusal = now == old ? nil : set(path, old)
        if now != old { changes.append(Change(path: path, old: now, new: old, refusal: refusal)) }
        if refusal == nil { state.old[path] = nil }
      }
    } else {
      state.old = [:]
    }
    if state.old.isEmpty {
      try? FileManager.default.removeItem(atPath: statePath)
    } else {
      try write(state)
    }
    return changes
  }

  private func needsRoot() throws(Failure) {
    guard geteuid() == 0 else {
      throw Failure(
        .notPermitted, "settings of the machine are root's to change: sudo nolock doctor")
    }
  }

  private var boot: String { files.text("/proc/sys/kernel/random/boot_id") ?? "unknown" }

  /// nil, or why it could not be written.  One write(2): a setting is not a file to be replaced.
  private func set(_ path: String, _ value: String) -> String? {
    let file = unsafe open(files.root + path, O_WRONLY | O_CLOEXEC | O_TRUNC)
    guard file >= 0 else { return errorText(errno) }
    defer { close(file) }
    let bytes = Array(value.utf8)
    let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
    return count == bytes.count ? nil : errorText(errno)
  }

  private func read() throws(Failure) -> State? {
    guard let data = FileManager.default.contents(atPath: statePath) else { return nil }
    guard let state = try? JSONDecoder().decode(State.self, from: data),
      state.schema == State(boot: "", old: [:]).schema
    else { throw Failure(.usage, "\(statePath): not a file of nolock doctor --tune") }
    return state
  }

  private func write(_ state: State) throws(Failure) {
    let folder = (statePath as NSString).deletingLastPathComponent
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(.notPermitted, "\(folder): \(error.localizedDescription)")
    }
    try AtomicFile.write(json: state, to: statePath)
  }
}
