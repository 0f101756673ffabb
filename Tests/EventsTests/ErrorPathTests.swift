import CPlatform
import Counters
import Glibc
import Testing

@testable import Events

/// What the fake layer brings about; one after the other, for its state is the process's.
@Suite("Error paths of perf", .serialized)
struct ErrorPathTests {
  private let hardware = CountedEvent(
    event: nl_perf_event(type: 0, flags: 2, config: 0, config1: 0, config2: 0), fallback: .none,
    isHardware: true)

  private func counted(_ count: Int) -> [EventCount] {
    var counters = ThreadCounters(FakePerf.layer)
    let events = [CountedEvent](repeating: hardware, count: count)
    unsafe events.withUnsafeBufferPointer {
      if let first = $0.baseAddress { unsafe counters.open(first, count: count) }
    }
    counters.start()
    counters.stop()
    defer { counters.close() }
    return (0..<count).map { counters.count(of: $0) }
  }

  @Test("EINTR is tried again, in opening and reading")
  func interrupted() {
    FakePerf.reset { $0.interrupted = 3 }
    var group = CounterGroup(FakePerf.layer)
    #expect(group.add(hardware.event) == 0)
    #expect(FakePerf.interrupted == 0)
    FakePerf.reset { $0.interrupted = 2 }
    var reading = CounterReading()
    #expect(group.read(into: &reading) == 0)
    #expect(FakePerf.interrupted == 0)
    #expect(reading.values[0] == 1000)
    group.close()
  }

  @Test("EMFILE is the reason of a missing value, never a zero")
  func noDescriptors() {
    FakePerf.reset { $0.openError = EMFILE }
    let counts = counted(2)
    #expect(counts.allSatisfy { $0.error == EMFILE })
    let event = NamedEvent(
      name: "cycles", type: 0, flags: 2, config: 0, config1: 0, config2: 0, pmu: "perf", absent: nil
    )
    #expect(EventTrial.problem(event, layer: FakePerf.layer) == "EMFILE: no file descriptor left")
  }

  @Test("a failed or short reading is an error of all its events")
  func readFails() {
    FakePerf.reset { $0.readError = EIO }
    #expect(counted(2).allSatisfy { $0.error == EIO })
  }

  @Test("a group that shared its counters is scaled by the time it ran")
  func multiplexed() {
    FakePerf.reset { $0.ratio = 4 }
    for count in counted(3) {
      #expect(count.error == 0)
      #expect(count.value == 4000)
      #expect(count.timeEnabled == 100)
      #expect(count.timeRunning == 25)
    }
  }

  @Test("a group that never ran has no value")
  func neverRan() {
    FakePerf.reset { $0.ratio = 0 }
    #expect(counted(1)[0].error == ENODATA)
  }

  @Test("scaling is exact, rounds to the nearest, and does not overflow")
  func scaling() {
    #expect(EventCount.scaled(7, enabled: 100, running: 100) == 7)
    #expect(EventCount.scaled(7, enabled: 10, running: 4) == 18)
    #expect(EventCount.scaled(1, enabled: 10, running: 4) == 3)
    #expect(EventCount.scaled(1, enabled: 10, running: 0) == nil)
    #expect(EventCount.scaled(1 << 60, enabled: 1 << 40, running: 1 << 39) == 1 << 61)
    #expect(EventCount.scaled(.max, enabled: .max, running: 1) == .max)
  }

  @Test("instructions of calls: the loop, less the empty loop, and the empty calls again")
  func instructionsOfCalls() {
    func count(_ value: UInt64, error: Int32 = 0) -> EventCount {
      var count = EventCount()
      (count.value, count.error, count.timeEnabled, count.timeRunning) = (value, error, 50, 40)
      return count
    }
    func of(_ loop: EventCount, _ empty: EventCount, calls: UInt64) -> EventCount {
      InstructionsOfCalls.of(loop: loop, emptyLoop: empty, emptyCalls: calls)
    }
    // 1,000 pairs of 47 in a loop of 20, whose empty calls are 4 and 2.
    let good = of(count(67_000), count(26_000), calls: 6_000)
    #expect(good.error == 0 && good.value == 47_000)
    #expect(good.timeEnabled == 50 && good.timeRunning == 40)
    #expect(of(count(20_000), count(26_000), calls: 6_000).value == 0)
    #expect(of(count(20_000), count(26_000), calls: 6_000).error == 0)
    // Less than nothing, an overflow and a failed reading are no values.
    #expect(of(count(19_999), count(26_000), calls: 6_000).error == ERANGE)
    #expect(of(count(.max), count(0), calls: 1).error == ERANGE)
    #expect(of(count(1), count(0, error: EIO), calls: 0).error == EIO)
    #expect(of(count(1, error: ENODATA), count(0, error: EIO), calls: 0).error == ENODATA)
  }

  @Test("threads are read from their own groups; one that was not counted leaves no sum")
  func threads() {
    var sum = EventCount()
    FakePerf.reset { $0.ratio = 4 }
    let first = counted(1)[0]
    FakePerf.reset()
    let second = counted(1)[0]
    sum.add(first)
    sum.add(second)
    // The first was scaled before it was added.
    #expect(sum.value == 4000 + 1000)
    #expect(sum.timeEnabled == 200 && sum.timeRunning == 125)
    FakePerf.reset { $0.ratio = 0 }
    sum.add(counted(1)[0])
    #expect(sum.error == ENODATA)
  }

  @Test("more events than slots are split over samples, each in one at least")
  func split() {
    FakePerf.reset { $0.slots = 2 }
    let names = ["cycles", "instructions", "cache-misses", "branch-misses", "branches"]
    let events = names.compactMap { GenericEvents.encode(EventText($0)) }
    #expect(EventSubsets.split(events, layer: FakePerf.layer) == [[0, 1], [2, 3], [4]])
    // Counters that open and do not run all the time are as many as there are not: the watchdog.
    FakePerf.reset { $0.ratio = 2 }
    #expect(EventSubsets.split(events, layer: FakePerf.layer) == [[0], [1], [2], [3], [4]])
  }

  @Test("the kernel's events take no slot and stand in every sample")
  func splitMixed() {
    FakePerf.reset { $0.slots = 1 }
    let names = ["cycles", "task-clock", "instructions", "page-faults"]
    let events = names.compactMap { GenericEvents.encode(EventText($0)) }
    #expect(EventSubsets.split(events, layer: FakePerf.layer) == [[0, 1, 3], [2, 1, 3]])
    #expect(EventSubsets.split([], layer: FakePerf.layer) == [[]])
  }

  @Test("EACCES without a PMU: the reason is what user mode gives")
  func accessWithoutPMU() {
    FakePerf.reset()
    let layer = unsafe PerfLayer(
      open: { event, _ in
        unsafe event.pointee.flags & NL_PERF_EXCLUDE_KERNEL.rawValue == 0 ? -EACCES : -ENOENT
      }, read: { _, _, _ in -Int64(EIO) })
    var event = GenericEvents.encode(EventText("cycles:k"))!
    #expect(EventTrial.problem(event, layer: layer)?.hasPrefix("ENOENT") == true)
    // A machine that has the event in user mode: then the right is what is missing.
    let guarded = unsafe PerfLayer(
      open: { event, _ in
        unsafe event.pointee.flags & NL_PERF_EXCLUDE_KERNEL.rawValue == 0
          ? -EACCES : Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
      }, read: { _, _, _ in -Int64(EIO) })
    #expect(EventTrial.problem(event, layer: guarded)?.contains("perf_event_paranoid is") == true)
    event = GenericEvents.encode(EventText("cycles"))!
    #expect(EventTrial.problem(event, layer: guarded) == nil)
  }
}
