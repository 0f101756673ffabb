import CPlatform
import Events
import Foundation

/// Counters, breakpoints and single-step: tried in this process.
struct PerfChecks {
  let findings: [Finding]

  init(_ files: KernelFiles) {
    findings = [
      Self.pmu(), Self.paranoid(files), Self.library(), Self.rdpmc(files), Self.watchdog(files),
      Self.softwareEvents(), Self.breakpoints(), Self.trapFlag(),
    ]
  }

  private static func tried(_ name: String) -> (event: NamedEvent?, problem: String?) {
    do throws(UnknownEvent) {
      let event = try EventNames.encode(name)
      return (event, EventTrial.problem(event))
    } catch {
      return (nil, error.text)
    }
  }

  private static func pmu() -> Finding {
    let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    if let problem = tried("cycles").problem {
      return Finding(
        "pmu", .missing, problem,
        means: "cycles, instructions and misses per operation are null; exact instruction counts "
          + "come from single-step",
        todo: EventTrial.hasProcessorPMU ? "see perf_event_paranoid and nmi_watchdog" : nil)
    }
    let caveat = CounterCaveats.overCount(CounterCaveats.Processor(cpuinfo: cpu))
    return Finding(
      "pmu", caveat == nil ? .good : .limited, "cycles opens",
      means: caveat ?? "cycles, instructions and misses per operation are measured",
      todo: caveat == nil ? nil : "compare with exact counts by single-step")
  }

  private static func paranoid(_ files: KernelFiles) -> Finding {
    let path = "/proc/sys/kernel/perf_event_paranoid"
    guard let level = files.integer(path) else {
      return Finding(
        "perf_event_paranoid", .missing, "no \(path)", means: "a kernel without perf events")
    }
    let may = geteuid() == 0 ? "; this process is root" : ""
    if level <= 1 {
      return Finding(
        "perf_event_paranoid", .good, "\(level)", means: "anybody may count user and kernel mode")
    }
    if level == 2 {
      return Finding(
        "perf_event_paranoid", geteuid() == 0 ? .good : .limited, "2\(may)",
        means: "unprivileged: user mode only; context switches come from getrusage, migrations "
          + "are null",
        todo: geteuid() == 0 ? nil : "sysctl kernel.perf_event_paranoid=1, or --tune")
    }
    return Finding(
      "perf_event_paranoid", geteuid() == 0 ? .good : .missing, "\(level)\(may)",
      means: "unprivileged: no perf event at all; clocks and getrusage stand in",
      todo: geteuid() == 0 ? nil : "sysctl kernel.perf_event_paranoid=1, or --tune")
  }

  private static func library() -> Finding {
    if let problem = EventNames.libraryProblem {
      return Finding(
        "libpfm4", .limited, problem, means: "only perf's generic event names are known",
        todo: "apt-get install libpfm4")
    }
    return Finding("libpfm4", .good, "libpfm.so.4 loads", means: "any event name it knows")
  }

  private static func rdpmc(_ files: KernelFiles) -> Finding {
    let paths = files.names("/sys/bus/event_source/devices")
      .filter { $0 == "cpu" || $0.hasPrefix("cpu_") }
      .map { "/sys/bus/event_source/devices/\($0)/rdpmc" }
    guard let value = paths.compactMap(files.integer).first else {
      return Finding(
        "rdpmc", .missing, "no PMU, so nothing to read by rdpmc",
        means: "counters are read by read(2), about 1 µs for a group")
    }
    return Finding(
      "rdpmc", value == 0 ? .limited : .good, "\(value)",
      means: value == 0
        ? "counters are read by read(2)" : "counters are read without a system call",
      todo: value == 0 ? "--tune" : nil)
  }

  private static func watchdog(_ files: KernelFiles) -> Finding {
    guard let value = files.integer("/proc/sys/kernel/nmi_watchdog") else {
      return Finding(
        "nmi_watchdog", .unknown, "no /proc/sys/kernel/nmi_watchdog", means: "none in this kernel")
    }
    guard let caveat = CounterCaveats.watchdog(value) else {
      return Finding("nmi_watchdog", .good, "0", means: "takes no counter")
    }
    return Finding("nmi_watchdog", .limited, "\(value)", means: caveat, todo: "--tune")
  }

  private static func softwareEvents() -> Finding {
    if let problem = tried("task-clock").problem {
      return Finding(
        "software events", .missing, problem,
        means: "task-clock and page faults come from the thread's clock and getrusage; no `perf` "
          + "interrupts")
    }
    return Finding(
      "software events", .good, "task-clock opens", means: "task-clock, page faults, cpu-clock irq")
  }

  private static func breakpoints() -> Finding {
    let count = nl_perf_try_breakpoints()
    guard count > 0 else {
      return Finding(
        "breakpoints", .missing, "perf_event_open: \(unsafe String(cString: strerror(-count)))",
        means: "no interrupt source `breakpoint`")
    }
    return Finding(
      "breakpoints", .good, "\(count) free", means: "as many functions can be interrupted at once")
  }

  private static func trapFlag() -> Finding {
    guard nl_step_available() != 0 else {
      return Finding(
        "trap flag", .missing, "not on this architecture",
        means: "no atlas, no exact instruction counts")
    }
    var step = unsafe nl_step()
    unsafe nl_step_run(&step, { _ in }, nil)
    return unsafe step.traps > 0
      ? Finding(
        "trap flag", .good, "works",
        means: "atlas and exact instruction counts without a PMU")
      : Finding(
        "trap flag", .missing, "no trap arrived",
        means: "no atlas, no exact instruction counts (a debugger or valgrind?)")
  }
}
