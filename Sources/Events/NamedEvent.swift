public import CPlatform
public import Counters

/// An event by its name, encoded for perf_event_open(2).
public struct NamedEvent: Codable, Hashable, Sendable {
  /// As it was written: `cycles`, `amd64_fam19h_zen4::RETIRED_INSTRUCTIONS:k`.
  public var name: String
  /// Fields of perf_event_attr; `flags`: `nl_perf_flags`.
  public var type: UInt32
  public var flags: UInt32
  public var config: UInt64
  public var config1: UInt64
  public var config2: UInt64
  /// The PMU that it belongs to: `perf`, `amd64_fam19h_zen4`.
  public var pmu: String
  /// Why it cannot be counted on this machine, known before any try; nil iff it can be tried.
  public var absent: String?

  /// PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT and PERF_TYPE_BREAKPOINT are the kernel's; everything
  /// else takes a counter of the processor.
  public var isHardware: Bool { type != 1 && type != 2 && type != 5 }

  /// Context switches and migrations happen in the kernel: with `exclude_kernel` they read 0 for
  /// ever (tried, kernel 6.18).
  var happensInKernel: Bool { type == 1 && (config == 3 || config == 4) }

  /// What can be read instead.
  public var fallback: CounterFallback {
    guard type == 1 else { return .none }
    return switch config {
    case 0, 1: .threadTime
    case 2: .faults
    case 3: .switches
    case 5: .minorFaults
    case 6: .majorFaults
    default: .none
    }
  }

  /// `ns` for the kernel's clocks, else `count`.
  public var unit: String { type == 1 && config < 2 ? "ns" : "count" }

  /// Whether it is counted in user mode only.
  var isUserOnly: Bool { flags & NL_PERF_EXCLUDE_KERNEL.rawValue != 0 }

  public var event: nl_perf_event {
    nl_perf_event(type: type, flags: flags, config: config, config1: config1, config2: config2)
  }

  public var counted: CountedEvent {
    CountedEvent(event: event, fallback: fallback, isHardware: isHardware)
  }
}

/// A name that means no event: what is wrong with it, in one line.
public struct UnknownEvent: Error, Equatable {
  public let text: String
}
