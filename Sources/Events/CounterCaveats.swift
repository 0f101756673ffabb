import Foundation

/// What a counter's value must be read with, although nothing is wrong with it.
public enum CounterCaveats {
  /// The processor as /proc/cpuinfo names it.
  public struct Processor: Equatable, Sendable {
    public var vendor: String
    public var family: Int

    public init(vendor: String, family: Int) {
      self.vendor = vendor
      self.family = family
    }

    /// From the text of /proc/cpuinfo; nil where it names neither (not x86).
    public init?(cpuinfo: String) {
      func value(_ key: String) -> String? {
        for line in cpuinfo.split(separator: "\n") {
          let halves = line.split(separator: ":", maxSplits: 1)
          guard halves.count == 2, halves[0].trimmingCharacters(in: .whitespaces) == key else {
            continue
          }
          return halves[1].trimmingCharacters(in: .whitespaces)
        }
        return nil
      }
      guard let vendor = value("vendor_id"), let family = value("cpu family").flatMap({ Int($0) })
      else { return nil }
      self.init(vendor: vendor, family: family)
    }

    /// AMD Zen (family 17h and later) and Hygon, which is one.
    public var isZen: Bool {
      (vendor == "AuthenticAMD" && family >= 0x17) || vendor == "HygonGenuine"
    }
  }

  /// That Zen counts too much behind locked instructions; nil on other processors.
  ///
  /// Source: rr's wiki, "Zen" (SpecLockMap, MSR C001_1020 bit 54).
  public static func overCount(_ processor: Processor?) -> String? {
    guard processor?.isZen == true else { return nil }
    return "AMD Zen counts retired instructions and branches too high after locked instructions, "
      + "of which an allocator has many (SpecLockMap)"
  }

  /// That the NMI watchdog has a counter of each CPU; nil where it is off or unknown.
  public static func watchdog(_ value: Int?) -> String? {
    guard let value, value != 0 else { return nil }
    return "nmi_watchdog is \(value): it takes one counter of each CPU, fewer events fit into a "
      + "sample"
  }

  /// What goes with a value of this event; nil where nothing does, and for the kernel's events.
  public static func note(_ event: NamedEvent, _ processor: Processor?, watchdog value: Int?)
    -> String?
  {
    guard event.isHardware else { return nil }
    let name = EventText(event.name).base.lowercased()
    let retires = name.contains("instructions") || name.contains("branch")
    let notes = [retires ? overCount(processor) : nil, watchdog(value)].compactMap { $0 }
    return notes.isEmpty ? nil : notes.joined(separator: "; ")
  }

  /// The same on this machine.
  public static func note(_ event: NamedEvent) -> String? {
    note(event, here, watchdog: watchdogHere)
  }

  public static let here = Processor(
    cpuinfo: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")

  private static var watchdogHere: Int? {
    let text = try? String(contentsOfFile: "/proc/sys/kernel/nmi_watchdog", encoding: .utf8)
    return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
}
