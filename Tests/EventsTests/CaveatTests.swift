import Testing

@testable import Events

@Suite("What a counter's value must be read with")
struct CaveatTests {
  private typealias Processor = CounterCaveats.Processor

  private func event(_ name: String) throws -> NamedEvent { try EventNames.encode(name) }

  @Test("the processor's vendor and family, from the text of /proc/cpuinfo")
  func processor() {
    let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n"
    #expect(Processor(cpuinfo: text) == Processor(vendor: "AuthenticAMD", family: 25))
    #expect(Processor(cpuinfo: "processor\t: 0\nCPU implementer\t: 0x41\n") == nil)
    #expect(Processor(cpuinfo: "") == nil)
  }

  @Test(
    "the over-count is Zen's: family 17h and later, and Hygon",
    arguments: [
      ("AuthenticAMD", 0x17, true), ("AuthenticAMD", 0x19, true), ("AuthenticAMD", 0x1a, true),
      ("AuthenticAMD", 0x15, false), ("HygonGenuine", 0x18, true), ("GenuineIntel", 6, false),
    ])
  func zen(vendor: String, family: Int, said: Bool) throws {
    let processor = Processor(vendor: vendor, family: family)
    #expect((CounterCaveats.overCount(processor) != nil) == said)
    for name in ["instructions", "branches", "branch-misses", "instructions:u"] {
      let note = CounterCaveats.note(try event(name), processor, watchdog: 0)
      #expect(note?.contains("SpecLockMap") ?? false == said, "\(name)")
    }
    // Cycles are right, and the kernel's events are no PMU's.
    for name in ["cycles", "cache-misses", "task-clock", "page-faults"] {
      #expect(CounterCaveats.note(try event(name), processor, watchdog: 0) == nil, "\(name)")
    }
  }

  @Test("a watchdog takes a counter from the processor's events, and from no other")
  func watchdog() throws {
    #expect(CounterCaveats.watchdog(nil) == nil)
    #expect(CounterCaveats.watchdog(0) == nil)
    #expect(
      CounterCaveats.watchdog(1)?.hasPrefix("nmi_watchdog is 1: it takes one counter") == true)
    let cycles = CounterCaveats.note(try event("cycles"), nil, watchdog: 1)
    #expect(cycles == CounterCaveats.watchdog(1))
    #expect(CounterCaveats.note(try event("task-clock"), nil, watchdog: 1) == nil)
    let zen = Processor(vendor: "AuthenticAMD", family: 0x19)
    let both = CounterCaveats.note(try event("instructions"), zen, watchdog: 1)
    #expect(both?.contains("SpecLockMap") == true && both?.contains("nmi_watchdog is 1") == true)
    #expect(CounterCaveats.note(try event("instructions"), nil, watchdog: nil) == nil)
  }
}
