import CPlatform
import Glibc

/// The events of one thread: a group of the processor's and a group of the kernel's, read around
/// each measured part and summed over the parts.
///
/// Everything but `init` is called by the thread that is counted.
@safe public struct ThreadCounters {
  public static let capacity = 16
  private var hardware: CounterGroup
  private var software: CounterGroup
  private var hardwareStart = CounterReading()
  private var softwareStart = CounterReading()
  private var hardwareSum = CounterReading()
  private var softwareSum = CounterReading()
  private var hardwareOverhead = CounterReading()
  private var softwareOverhead = CounterReading()
  private var hardwareError: Int32 = 0
  private var softwareError: Int32 = 0
  /// Per event: its number in its group, and whether that is the processor's; -errno if not open.
  private var slots = InlineArray<16, Int32>(repeating: -ENOENT)
  private var isHardware = InlineArray<16, Bool>(repeating: false)
  /// Nanoseconds that one reading of all groups takes, the median of 33; 0 without events.
  public private(set) var readNanoseconds: UInt64 = 0

  public init(_ layer: PerfLayer = .kernel) {
    hardware = CounterGroup(layer)
    software = CounterGroup(layer)
  }

  /// Opens `count` events, at most `capacity`, and measures what reading them costs.
  public mutating func open(_ events: UnsafePointer<CountedEvent>, count: Int) {
    for index in 0..<count {
      let event = unsafe events[index]
      isHardware[index] = event.isHardware
      let slot = event.isHardware ? hardware.count : software.count
      let error = event.isHardware ? hardware.add(event.event) : software.add(event.event)
      slots[index] = error == 0 ? Int32(truncatingIfNeeded: slot) : -error
    }
    measureReading()
    clear()
  }

  /// Forgets what was counted so far: the warm-up.
  public mutating func clear() {
    hardwareSum = CounterReading()
    softwareSum = CounterReading()
  }

  /// The start of a measured part.
  @inline(__always)
  public mutating func start() {
    hardware.enable()
    software.enable()
    note(hardware.read(into: &hardwareStart), software.read(into: &softwareStart))
  }

  /// Its end.
  @inline(__always)
  public mutating func stop() {
    var hardwareEnd = CounterReading()
    var softwareEnd = CounterReading()
    note(hardware.read(into: &hardwareEnd), software.read(into: &softwareEnd))
    hardware.disable()
    software.disable()
    accumulate(&hardwareSum, hardwareStart, hardwareEnd, hardware.count)
    accumulate(&softwareSum, softwareStart, softwareEnd, software.count)
  }

  /// What event `index` came to since `clear`.
  public func count(of index: Int) -> EventCount {
    var result = EventCount()
    let slot = slots[index]
    guard slot >= 0 else {
      result.error = -slot
      return result
    }
    let sum = isHardware[index] ? hardwareSum : softwareSum
    result.error = isHardware[index] ? hardwareError : softwareError
    result.timeEnabled = sum.timeEnabled
    result.timeRunning = sum.timeRunning
    result.byRdpmc = sum.byRdpmc
    let overhead = isHardware[index] ? hardwareOverhead : softwareOverhead
    result.overhead = overhead.values[Int(slot)]
    guard result.error == 0 else { return result }
    let scaled = EventCount.scaled(
      sum.values[Int(slot)], enabled: sum.timeEnabled, running: sum.timeRunning)
    if let scaled { result.value = scaled } else { result.error = ENODATA }
    return result
  }

  public mutating func close() {
    hardware.close()
    software.close()
  }

  private mutating func note(_ first: Int32, _ second: Int32) {
    if first != 0 { hardwareError = first }
    if second != 0 { softwareError = second }
  }

  /// Reads 33 times: how long one takes, and the least that the values differ between two.
  private mutating func measureReading() {
    guard hardware.count != 0 || software.count != 0 else { return }
    var times = InlineArray<33, UInt64>(repeating: .max)
    for slot in 0..<CounterGroup.capacity {
      hardwareOverhead.values[slot] = .max
      softwareOverhead.values[slot] = .max
    }
    hardware.enable()
    software.enable()
    var hardwareBefore = CounterReading()
    var softwareBefore = CounterReading()
    note(hardware.read(into: &hardwareBefore), software.read(into: &softwareBefore))
    for round in 0..<33 {
      var hardwareNow = CounterReading()
      var softwareNow = CounterReading()
      let before = nl_clock_monotonic_ns()
      note(hardware.read(into: &hardwareNow), software.read(into: &softwareNow))
      let took = nl_clock_monotonic_ns() &- before
      keepLeast(&hardwareOverhead, hardwareBefore, hardwareNow)
      keepLeast(&softwareOverhead, softwareBefore, softwareNow)
      hardwareBefore = hardwareNow
      softwareBefore = softwareNow
      var place = round
      while place > 0 && times[place &- 1] > took {
        times[place] = times[place &- 1]
        place &-= 1
      }
      times[place] = took
    }
    hardware.disable()
    software.disable()
    readNanoseconds = times[16]
  }
}

@inline(__always)
private func accumulate(
  _ sum: inout CounterReading, _ start: CounterReading, _ end: CounterReading, _ count: Int
) {
  sum.timeEnabled &+= end.timeEnabled &- start.timeEnabled
  sum.timeRunning &+= end.timeRunning &- start.timeRunning
  sum.byRdpmc = start.byRdpmc && end.byRdpmc
  for slot in 0..<count { sum.values[slot] &+= end.values[slot] &- start.values[slot] }
}

private func keepLeast(
  _ least: inout CounterReading, _ before: CounterReading, _ after: CounterReading
) {
  for slot in 0..<CounterGroup.capacity {
    least.values[slot] = min(least.values[slot], after.values[slot] &- before.values[slot])
  }
}
