import CPlatform
public import Counters
import Foundation

/// Whether events open here: tried, not assumed.
public enum EventTrial {
  /// Why the event cannot be counted by this process; nil iff it opened.
  public static func problem(_ event: NamedEvent, layer: PerfLayer = .kernel) -> String? {
    if let absent = event.absent { return absent }
    let error = open(event, layer)
    guard error != 0 else { return nil }
    return reason(relevant(error, event, layer), event)
  }

  /// Without the right to count the kernel the answer is EACCES even where there is no PMU: what
  /// the same event gives in user mode is the reason then.
  static func relevant(_ error: Int32, _ event: NamedEvent, _ layer: PerfLayer) -> Int32 {
    guard error == EACCES, !event.isUserOnly else { return error }
    var user = event
    user.flags |= NL_PERF_EXCLUDE_KERNEL.rawValue | NL_PERF_EXCLUDE_HV.rawValue
    user.flags &= ~NL_PERF_EXCLUDE_USER.rawValue
    let other = open(user, layer)
    return other == 0 ? error : other
  }

  private static func open(_ event: NamedEvent, _ layer: PerfLayer) -> Int32 {
    var group = CounterGroup(layer)
    defer { group.close() }
    return group.add(event.event)
  }

  /// What an errno of perf_event_open(2) means for this event.
  public static func reason(_ error: Int32, _ event: NamedEvent) -> String {
    switch error {
    case ENOENT:
      return event.isHardware && !hasProcessorPMU
        ? "ENOENT: no PMU (no cpu in \(deviceFolder))" : "ENOENT: this PMU has no such event"
    case EACCES:
      let level = paranoid.map { "perf_event_paranoid is \($0)" } ?? "perf_event_paranoid unknown"
      let limit = event.isUserOnly ? 2 : 1
      return "EACCES: \(level), allowed: at most \(limit), or CAP_PERFMON"
    case EPERM:
      return isFiltered
        ? "EPERM: a seccomp filter forbids perf_event_open" : "EPERM: perf_event_open is forbidden"
    case ENOSYS: return "ENOSYS: a kernel without perf events, or a seccomp filter"
    case EMFILE: return "EMFILE: no file descriptor left"
    case EINVAL, ENOSPC: return "\(name(error)): no free counter, or an event the PMU refuses"
    case EBUSY: return "EBUSY: another user has the PMU for himself"
    case EOPNOTSUPP: return "EOPNOTSUPP: the PMU cannot count this way"
    case ENODATA:
      let watchdog = text("/proc/sys/kernel/nmi_watchdog").map { " (nmi_watchdog is \($0))" } ?? ""
      return "the PMU never had a counter free for it\(watchdog)"
    default: return "\(name(error)): \(unsafe String(cString: strerror(error)))"
    }
  }

  /// Whether the kernel shows a PMU of the processor.
  public static var hasProcessorPMU: Bool {
    let devices = (try? FileManager.default.contentsOfDirectory(atPath: deviceFolder)) ?? []
    return devices.contains { $0 == "cpu" || $0.hasPrefix("cpu_") || $0.hasPrefix("armv8") }
  }

  /// perf_event_paranoid; nil where the kernel has no perf events.
  public static var paranoid: Int? {
    text("/proc/sys/kernel/perf_event_paranoid").flatMap { Int($0) }
  }

  /// Whether a seccomp filter is on this process.
  public static var isFiltered: Bool {
    let status = text("/proc/self/status") ?? ""
    return status.split(separator: "\n").contains { $0.hasPrefix("Seccomp:") && $0.hasSuffix("2") }
  }

  static let deviceFolder = "/sys/bus/event_source/devices"

  private static func name(_ error: Int32) -> String {
    [EINVAL: "EINVAL", ENOSPC: "ENOSPC", EINTR: "EINTR", EIO: "EIO", ENODEV: "ENODEV"][error]
      ?? "errno \(error)"
  }

  private static func text(_ path: String) -> String? {
    (try? String(contentsOfFile: path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
