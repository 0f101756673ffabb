import CRecords
import Counters

/// The times of a measured part.
struct Measured {
  /// From the first thread's start to the last one's end, nanoseconds; several runs add up.
  private(set) var wall: UInt64 = 0
  /// Sum over threads; handoff: over those that allocate.
  private(set) var foreground: UInt64 = 0
  private(set) var cpu: UInt64 = 0
  private(set) var ticks: UInt64 = 0
  /// The slowest thread.
  private(set) var longest: UInt64 = 0
  private(set) var usage = ThreadUsage()
  private(set) var runs: UInt64 = 0

  init() {}

  /// Reads what the threads have noted.
  init(_ blocks: UnsafeMutablePointer<ThreadBlock>, threads: Int) {
    var start = UInt64.max
    var end: UInt64 = 0
    for index in 0..<threads {
      let timing = unsafe blocks[index].timing
      start = min(start, timing.start)
      end = max(end, timing.end)
      longest = max(longest, timing.end &- timing.start)
      if unsafe !blocks[index].receives { foreground &+= timing.end &- timing.start }
      cpu &+= timing.cpu
      ticks &+= timing.ticks
      usage.add(from: ThreadUsage(), to: timing.usage)
    }
    wall = end &- start
    runs = 1
  }

  mutating func add(_ other: Measured) {
    wall &+= other.wall
    foreground &+= other.foreground
    cpu &+= other.cpu
    ticks &+= other.ticks
    longest = max(longest, other.longest)
    usage.add(from: ThreadUsage(), to: other.usage)
    runs &+= other.runs
  }

  func write(to record: inout SampleRecord, _ clock: TickClock) {
    record.add("wall_ns", wall, NL_SRC_CLOCK)
    record.add("foreground_ns", foreground, NL_SRC_CLOCK)
    record.add("cpu_ns", cpu, NL_SRC_CLOCK)
    record.add("foreground_ticks", ticks, NL_SRC_TSC)
    record.add("tsc_hz", clock.frequency, NL_SRC_TSC)
    record.add("minor_faults", usage.minorFaults)
    record.add("major_faults", usage.majorFaults)
    record.add("voluntary_switches", usage.voluntarySwitches)
    record.add("involuntary_switches", usage.involuntarySwitches)
  }
}
