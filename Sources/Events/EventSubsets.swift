import CPlatform
public import Counters

/// Which events share a sample: never more than are counted at the same time.
public enum EventSubsets {
  /// Splits events, given by their numbers; the n-th sample counts subset `n mod count`.
  ///
  /// The processor's counters are tried: a group of events that does not open, or does not run all
  /// the time (the NMI watchdog takes a slot and nobody says so), is split.  The kernel's events
  /// take no slot and stand in every subset, up to `CounterGroup.capacity`.
  ///
  /// - Returns: at least one subset; every event is in one at least.
  public static func split(_ events: [NamedEvent], layer: PerfLayer = .kernel) -> [[Int]] {
    let hardware = fitting(events.indices.filter { events[$0].isHardware }, events, layer)
    let others = events.indices.filter { !events[$0].isHardware }
    let software = stride(from: 0, to: others.count, by: CounterGroup.capacity).map {
      Array(others[$0..<min($0 + CounterGroup.capacity, others.count)])
    }
    let count = max(1, hardware.count, software.count)
    return (0..<count).map { number in
      (hardware.isEmpty ? [] : hardware[number % hardware.count])
        + (software.isEmpty ? [] : software[number % software.count])
    }
  }

  private static func fitting(
    _ indices: [Int], _ events: [NamedEvent], _ layer: PerfLayer
  ) -> [[Int]] {
    var subsets: [[Int]] = []
    for index in indices {
      if let last = subsets.last, last.count < CounterGroup.capacity,
        runs(last + [index], events, layer)
      {
        subsets[subsets.count - 1].append(index)
      } else {
        subsets.append([index])
      }
    }
    return subsets
  }

  /// Whether all these open as one group and count all of 200 µs.
  private static func runs(_ indices: [Int], _ events: [NamedEvent], _ layer: PerfLayer) -> Bool {
    var group = CounterGroup(layer)
    defer { group.close() }
    // An event that does not open at all takes no slot.
    for index in indices {
      let error = group.add(events[index].event)
      if error == EINVAL || error == ENOSPC { return false }
    }
    guard group.count != 0 else { return true }
    group.enable()
    let start = nl_clock_monotonic_ns()
    while nl_clock_monotonic_ns() &- start < 200_000 { nl_clock_relax() }
    var reading = CounterReading()
    let error = group.read(into: &reading)
    group.disable()
    return error == 0 && reading.timeRunning == reading.timeEnabled && reading.timeRunning > 0
  }
}
