import CRecords
import Counters

extension SampleRun {
  /// The counters of the measured part: perf's, else what stands in for them, else the reason.
  func write(_ counts: [EventCount], _ measured: Measured, to record: inout SampleRecord) {
    for (index, count) in counts.enumerated() {
      let event = unsafe plan.events.events[index]
      let name = "counter.\(index)"
      let own =
        !event.isHardware
        ? NL_SRC_SW_PERF : count.byRdpmc ? NL_SRC_PMU_RDPMC : NL_SRC_PMU_READ
      if count.error == 0 {
        record.add(name, count.value, own)
        record.add(name + ".enabled_ns", count.timeEnabled, own)
        record.add(name + ".running_ns", count.timeRunning, own)
        record.add(name + ".overhead", count.overhead, own)
        for thread in 0..<plan.threads {
          let one = eventCount(index, thread: thread)
          let source = !event.isHardware ? own : one.byRdpmc ? NL_SRC_PMU_RDPMC : NL_SRC_PMU_READ
          record.add("\(name).\(thread)", one.value, source)
          record.add("\(name).\(thread).enabled_ns", one.timeEnabled, source)
          record.add("\(name).\(thread).running_ns", one.timeRunning, source)
        }
        continue
      }
      let instead = fallback(event.fallback, measured)
      record.add(
        name, instead?.value ?? 0, instead?.source ?? own, error: UInt32(bitPattern: count.error))
    }
    if !counts.isEmpty { record.add("counter_read_ns", counterReadNanoseconds, NL_SRC_CLOCK) }
  }

  private func fallback(
    _ fallback: CounterFallback, _ measured: Measured
  ) -> (value: UInt64, source: nl_source)? {
    let usage = measured.usage
    return switch fallback {
    case .none: nil
    case .threadTime: (measured.cpu, NL_SRC_CLOCK)
    case .faults: (usage.minorFaults &+ usage.majorFaults, NL_SRC_COUNT)
    case .minorFaults: (usage.minorFaults, NL_SRC_COUNT)
    case .majorFaults: (usage.majorFaults, NL_SRC_COUNT)
    case .switches: (usage.voluntarySwitches &+ usage.involuntarySwitches, NL_SRC_COUNT)
    }
  }
}
