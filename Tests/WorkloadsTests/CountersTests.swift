import Counters
import Glibc
import Testing

@Suite struct CountersTests {
  /// Fresh pages are faults of this thread and resident memory of this process, one for one.
  @Test func pagesTouchedAreCounted() throws {
    let pages = 1000
    let size = sysconf(Int32(_SC_PAGESIZE))
    let memory = unsafe try #require(
      unsafe mmap(
        nil, pages * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
    defer { unsafe munmap(memory, pages * size) }
    // A huge page would be one fault for 512 pages.
    try #require(unsafe madvise(memory, pages * size, MADV_NOHUGEPAGE) == 0)
    let before = ThreadUsage.now()
    for page in 0..<pages {
      unsafe memory.storeBytes(of: 1, toByteOffset: page * size, as: UInt8.self)
    }
    var usage = ThreadUsage()
    usage.add(from: before, to: ThreadUsage.now())
    #expect(usage.minorFaults >= UInt64(pages))
    #expect(usage.majorFaults == 0)
    #expect(try #require(ResidentMemory.now()) >= UInt64(pages * size))
    #expect(try #require(ResidentMemory.peak()) >= UInt64(pages * size))
  }

  @Test func ticksConvertToNanoseconds() {
    let clock = TickClock(calibratingFor: 1_000_000)
    // multiplier / 2³² and 1 / frequency are the same number of seconds per tick.
    let product = Double(clock.multiplier) / 4_294_967_296 * Double(clock.frequency) / 1e9
    #expect(abs(product - 1) < 1e-6)
  }
}
