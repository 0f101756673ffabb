import CPlatform
import Counters
import Foundation
import Testing

@testable import Events

private func problem(_ name: String) -> String? {
  (try? EventNames.encode(name)).flatMap { EventTrial.problem($0) }
}
private let canCount = problem("page-faults") == nil
private let canCountKernel = problem("context-switches") == nil
private let hasPMU = problem("cycles") == nil

/// What the kernel counts, in this thread.
@Suite("Counting by the kernel")
struct KernelTests {
  /// The counts of some events while `body` runs.
  private func count(_ events: [nl_perf_event], _ body: () throws -> Void) throws -> CounterReading
  {
    var group = CounterGroup()
    defer { group.close() }
    for event in events { #expect(group.add(event) == 0) }
    group.enable()
    try body()
    var reading = CounterReading()
    #expect(group.read(into: &reading) == 0)
    return reading
  }

  private func event(_ name: String) throws -> nl_perf_event { try EventNames.encode(name).event }

  private func touch(_ pages: Int) throws {
    let size = sysconf(Int32(_SC_PAGESIZE))
    let memory = unsafe mmap(
      nil, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    let start = unsafe try #require(unsafe memory)
    unsafe madvise(start, pages * size, MADV_NOHUGEPAGE)
    for page in 0..<pages {
      unsafe start.storeBytes(of: 1, toByteOffset: page * size, as: UInt8.self)
    }
    unsafe munmap(start, pages * size)
  }

  @Test("page faults are those of this thread", .enabled(if: canCount, "no software events here"))
  func faults() throws {
    let reading = try count([event("page-faults"), event("task-clock")]) { try touch(500) }
    #expect(reading.values[0] >= 500)
    #expect(reading.values[0] < 600)
    #expect(reading.values[1] > 0)
    #expect(reading.timeEnabled > 0)
    #expect(reading.timeRunning == reading.timeEnabled)
    #expect(!reading.byRdpmc)
  }

  @Test("another thread's faults are not", .enabled(if: canCount, "no software events here"))
  func otherThread() throws {
    let reading = try count([event("page-faults")]) {
      let done = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        try? touch(2000)
        done.signal()
      }
      done.wait()
    }
    #expect(reading.values[0] < 500)
  }

  @Test(
    "the trap: context switches that leave out the kernel read 0 for ever",
    .enabled(if: canCountKernel, "context-switches does not open here"))
  func switches() throws {
    var blind = try event("context-switches")
    blind.flags |= NL_PERF_EXCLUDE_KERNEL.rawValue | NL_PERF_EXCLUDE_HV.rawValue
    let reading = try count([event("context-switches"), blind]) {
      for _ in 0..<50 { usleep(100) }
    }
    // On a busy machine a sleep may be over before the thread has gone to it.
    #expect(reading.values[0] >= 25)
    #expect(reading.values[1] == 0)
  }

  @Test("getrusage, which stands in for them, sees the same")
  func usage() {
    let before = ThreadUsage.now()
    for _ in 0..<50 { usleep(100) }
    var usage = ThreadUsage()
    usage.add(from: before, to: ThreadUsage.now())
    #expect(usage.voluntarySwitches >= 25)
  }

  @Test("instructions repeat", .enabled(if: hasPMU, "\(problem("cycles") ?? "")"))
  func instructions() throws {
    let counts = try (0..<5).map { _ in
      try count([event("instructions")]) {
        var sum = 0
        for i in 0..<100_000 { sum &+= i }
        withExtendedLifetime(sum) {}
      }.values[0]
    }
    #expect(counts.allSatisfy { $0 > 0 })
  }

  @Test("an event no kernel has is ENOENT or EINVAL, with a reason")
  func nonsense() {
    let event = NamedEvent(
      name: "x", type: 1, flags: 6, config: 9999, config1: 0, config2: 0, pmu: "", absent: nil)
    #expect(EventTrial.problem(event) != nil)
  }
}
