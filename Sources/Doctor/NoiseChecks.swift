import Foundation

/// What else runs here, and what the hypervisor takes away.
struct NoiseChecks {
  let findings: [Finding]

  init(_ files: KernelFiles) {
    findings = [
      Self.pressure(files), Self.steal(files), Self.isolated(files), Self.virtualisation(files),
    ]
  }

  private static func pressure(_ files: KernelFiles) -> Finding {
    guard let text = files.text("/proc/pressure/cpu") else {
      return Finding(
        "psi", .missing, "no /proc/pressure/cpu",
        means: "the noise of other processes is not recorded", todo: "boot with psi=1")
    }
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
    let average = words.first { $0.hasPrefix("avg10=") }.flatMap { Double($0.dropFirst(6)) } ?? 0
    return average >= 5
      ? Finding(
        "psi", .limited, "cpu some avg10 \(average) %",
        means: "others compete for the CPUs: more blocks for the same certainty; cpu_ns_per_op is "
          + "the better metric of one-thread cells", todo: "stop other work, or take more blocks")
      : Finding("psi", .good, "cpu some avg10 \(average) %", means: "the CPUs are ours")
  }

  /// Two readings 100 ms apart.
  private static func steal(_ files: KernelFiles) -> Finding {
    func read() -> (steal: Double, all: Double)? {
      guard let line = files.text("/proc/stat")?.split(separator: "\n").first else { return nil }
      let numbers = line.split(separator: " ").dropFirst().compactMap { Double($0) }
      guard numbers.count >= 8 else { return nil }
      return (numbers[7], numbers.prefix(8).reduce(0, +))
    }
    guard let first = read() else {
      return Finding("steal", .unknown, "no steal in /proc/stat", means: "not recorded")
    }
    usleep(100_000)
    let second = read() ?? first
    let now = 100 * (second.steal - first.steal) / max(1, second.all - first.all)
    let ever = 100 * second.steal / max(1, second.all)
    let state = String(format: "%.1f %% now, %.2f %% since boot", now, ever)
    return now >= 1 || ever >= 1
      ? Finding(
        "steal", .limited, state,
        means:
          "the hypervisor runs others on our CPUs: single samples are longer, blocks cancel it",
        todo: "another machine, or more blocks")
      : Finding("steal", .good, state, means: "the hypervisor takes next to nothing")
  }

  private static func isolated(_ files: KernelFiles) -> Finding {
    guard let list = files.text("/sys/devices/system/cpu/isolated") else {
      return Finding("isolated CPUs", .unknown, "cannot be read", means: "not known")
    }
    return list.isEmpty
      ? Finding(
        "isolated CPUs", .limited, "none",
        means: "the scheduler puts other threads on our CPUs; blocks in random order cope with it",
        todo: "for the last per cent: boot with isolcpus= and nohz_full=")
      : Finding("isolated CPUs", .good, list, means: "run with taskset -c \(list)")
  }

  private static func virtualisation(_ files: KernelFiles) -> Finding {
    guard let flags = files.value("flags", in: "/proc/cpuinfo") else {
      return Finding("virtualisation", .unknown, "no flags in /proc/cpuinfo", means: "not known")
    }
    guard flags.split(separator: " ").contains("hypervisor") else {
      return Finding("virtualisation", .good, "none", means: "bare metal")
    }
    let product = files.text("/sys/class/dmi/id/product_name")
    let kind = files.text("/sys/hypervisor/type")
    let name = [product, kind].compactMap { $0 }.filter { !$0.isEmpty }.first
    return Finding(
      "virtualisation", .limited, "hypervisor" + (name.map { ", \($0)" } ?? ""),
      means: "signals, page faults and timers cost several times what they do on bare metal; "
        + "absolute times are of this machine only")
  }
}
