import Foundation

/// Frequency, threads of a core, memory and clocks.
struct MachineChecks {
  let findings: [Finding]

  init(_ files: KernelFiles) {
    findings = [
      Self.governor(files), Self.turbo(files), Self.smt(files), Self.hugePages(files),
      Self.aslr(files), Self.timerResolution(), Self.clockSource(files), Self.tsc(files),
    ]
  }

  static let cpuFolder = "/sys/devices/system/cpu"

  private static func governor(_ files: KernelFiles) -> Finding {
    let governors = Set(
      files.names(cpuFolder).compactMap {
        files.text("\(cpuFolder)/\($0)/cpufreq/scaling_governor")
      })
    guard !governors.isEmpty else {
      return Finding(
        "governor", .unknown, "no cpufreq", means: "the frequency is the host's or the firmware's")
    }
    let state = governors.sorted().joined(separator: ", ")
    return governors == ["performance"]
      ? Finding("governor", .good, state, means: "the frequency does not follow the load")
      : Finding(
        "governor", .limited, state,
        means: "a sample of 3 ms may run before the frequency rises: times drift, counts do not",
        todo: "--tune")
  }

  private static func turbo(_ files: KernelFiles) -> Finding {
    let on: Bool? =
      files.integer("\(cpuFolder)/intel_pstate/no_turbo").map { $0 == 0 }
      ?? files.integer("\(cpuFolder)/cpufreq/boost").map { $0 == 1 }
    guard let on else {
      return Finding("turbo", .unknown, "not shown by this kernel", means: "not known")
    }
    return on
      ? Finding(
        "turbo", .limited, "on", means: "the frequency depends on heat and on the other cores",
        todo: "--tune")
      : Finding("turbo", .good, "off", means: "one frequency")
  }

  private static func smt(_ files: KernelFiles) -> Finding {
    guard let control = files.text("\(cpuFolder)/smt/control") else {
      return Finding("smt", .unknown, "not shown by this kernel", means: "not known")
    }
    return control == "on"
      ? Finding(
        "smt", .limited, control,
        means:
          "two CPUs of one core share its caches and units: multi-thread cells depend on which",
        todo: "echo off > \(cpuFolder)/smt/control")
      : Finding("smt", .good, control, means: "no CPU shares its core, as far as the guest sees")
  }

  private static func hugePages(_ files: KernelFiles) -> Finding {
    guard let mode = files.choice("/sys/kernel/mm/transparent_hugepage/enabled") else {
      return Finding("thp", .unknown, "not in this kernel", means: "small pages only")
    }
    return mode == "always"
      ? Finding(
        "thp", .limited, mode,
        means: "allocators that map aligned memory get huge pages, others do not: part of the "
          + "fingerprint, never tuned")
      : Finding("thp", .good, mode, means: "huge pages only where they are asked for")
  }

  private static func aslr(_ files: KernelFiles) -> Finding {
    guard let mode = files.integer("/proc/sys/kernel/randomize_va_space") else {
      return Finding("aslr", .unknown, "cannot be read", means: "not known")
    }
    return mode == 0
      ? Finding(
        "aslr", .limited, "0", means: "every sample has one layout: its luck is in every block",
        todo: "sysctl kernel.randomize_va_space=2")
      : Finding("aslr", .good, "\(mode)", means: "each sample has a layout of its own: keep it")
  }

  private static func timerResolution() -> Finding {
    var resolution = timespec()
    unsafe clock_getres(CLOCK_MONOTONIC, &resolution)
    let nanoseconds = resolution.tv_sec * 1_000_000_000 + resolution.tv_nsec
    return nanoseconds == 1
      ? Finding("timer resolution", .good, "1 ns", means: "high-resolution timers")
      : Finding(
        "timer resolution", .limited, "\(nanoseconds) ns",
        means: "no high-resolution timers: `timer` interrupts come at this grain at best")
  }

  private static func clockSource(_ files: KernelFiles) -> Finding {
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
    guard let source = files.text(path) else {
      return Finding("clock source", .unknown, "no \(path)", means: "not known")
    }
    return ["tsc", "kvm-clock", "arch_sys_counter"].contains(source)
      ? Finding("clock source", .good, source, means: "clock_gettime is no system call")
      : Finding(
        "clock source", .limited, source,
        means: "clock_gettime is a system call: short measured parts get longer",
        todo: "echo tsc > \(path)")
  }

  private static func tsc(_ files: KernelFiles) -> Finding {
    let flags = Set((files.value("flags", in: "/proc/cpuinfo") ?? "").split(separator: " "))
    let steady = flags.contains("constant_tsc") && flags.contains("nonstop_tsc")
    return steady
      ? Finding(
        "tsc", .good, "constant_tsc nonstop_tsc", means: "handler latency in ticks is right")
      : Finding(
        "tsc", .limited, "not constant and nonstop",
        means: "handler latencies are in ticks of a clock that changes")
  }
}
