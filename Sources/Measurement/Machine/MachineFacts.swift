import Foundation

extension Fingerprint {
  /// The machine: everything that changes how fast the same code runs, as far as it can be read.
  public static func machineFacts() -> [String: Fact] {
    let cpu = keyed("/proc/cpuinfo", separator: ":")
    let memory = keyed("/proc/meminfo", separator: ":")
    var facts: [String: Fact] = [
      "cpu_model": cpu["model name"].map(Fact.known) ?? .unknown("not in /proc/cpuinfo"),
      "microcode": cpu["microcode"].map(Fact.known) ?? .unknown("not in /proc/cpuinfo"),
      "cpus_online": .known("\(ProcessInfo.processInfo.activeProcessorCount)"),
      "memory_total": memory["MemTotal"].map(Fact.known) ?? .unknown("not in /proc/meminfo"),
      "kernel": file("/proc/sys/kernel/osrelease"),
      "kernel_version": file("/proc/sys/kernel/version"),
      "kernel_parameters": kernelParameters(),
      "glibc": glibcVersion(),
      "transparent_hugepage": file("/sys/kernel/mm/transparent_hugepage/enabled"),
      "governor": file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
      "smt": file("/sys/devices/system/cpu/smt/control"),
      "aslr": file("/proc/sys/kernel/randomize_va_space"),
      "perf_event_paranoid": file("/proc/sys/kernel/perf_event_paranoid"),
      "clocksource": file("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
      "mitigations": mitigations(),
    ]
    let hypervisor = cpu["flags"]?.split(separator: " ").contains("hypervisor")
    let product = file("/sys/class/dmi/id/product_name").value
    facts["virtualisation"] =
      switch hypervisor {
      case true?: .known("hypervisor" + (product.map { ", \($0)" } ?? ""))
      case false?: .known("none")
      case nil: .unknown("no flags in /proc/cpuinfo")
      }
    return facts
  }

  private static func file(_ path: String) -> Fact {
    guard let text = KernelFile.text(path) else {
      return .unknown("no \(path)")
    }
    let line = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return line.isEmpty ? .unknown("\(path) is empty") : .known(line)
  }

  /// The first value of each key of a `key: value` file.
  private static func keyed(_ path: String, separator: Character) -> [String: String] {
    var values: [String: String] = [:]
    guard let text = KernelFile.text(path) else { return values }
    for line in text.split(whereSeparator: \.isNewline) {
      let halves = line.split(separator: separator, maxSplits: 1)
      guard halves.count == 2 else { continue }
      let key = halves[0].trimmingCharacters(in: .whitespaces)
      if values[key] == nil { values[key] = halves[1].trimmingCharacters(in: .whitespaces) }
    }
    return values
  }

  private static func glibcVersion() -> Fact {
    var text = [UInt8](repeating: 0, count: 64)
    let length = unsafe text.withUnsafeMutableBytes { buffer in
      unsafe confstr(
        Int32(_CS_GNU_LIBC_VERSION), buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
        buffer.count)
    }
    guard length > 1, length <= text.count else { return .unknown("confstr knows no version") }
    return .known(String(decoding: text.prefix(length - 1), as: UTF8.self))
  }

  /// Those of the kernel's parameters that change timing; the others name a machine's insides.
  private static func kernelParameters() -> Fact {
    let wanted = [
      "isolcpus", "nohz", "nohz_full", "rcu_nocbs", "mitigations", "transparent_hugepage",
      "intel_pstate", "amd_pstate", "idle", "processor.max_cstate", "nosmt", "preempt", "slab_debug",
      "slub_debug",
    ]
    guard let all = file("/proc/cmdline").value else { return .unknown("no /proc/cmdline") }
    let kept = all.split(separator: " ").filter { word in
      wanted.contains(String(word.prefix { $0 != "=" }))
    }
    return .known(kept.joined(separator: " "))
  }

  private static func mitigations() -> Fact {
    let folder = "/sys/devices/system/cpu/vulnerabilities"
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      return .unknown("no \(folder)")
    }
    let all = names.sorted().compactMap { name in
      file(folder + "/" + name).value.map { "\(name)=\($0)" }
    }
    return .known(all.joined(separator: "; "))
  }
}
