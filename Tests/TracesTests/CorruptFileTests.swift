import CRecords
import Foundation
import Testing

@testable import Traces

/// A compact file is believed only if every byte that matters is right.
@Suite struct CorruptFileTests {
  /// CPU 0: alloc 0, alloc 1, free 0 (local).  CPU 1: free 1 (remote), alloc 2.
  private func good() throws -> [UInt8] {
    let trace = try parsed(
      alloc("0x100", 60, at: 1) + alloc("0x200", 8, at: 2) + free("0x100", at: 3)
        + free("0x200", cpu: 1, at: 4) + alloc("0x300", 9, cpu: 1, at: 5))
    let scratch = try Scratch()
    try CompactTrace.write(trace, to: scratch / "g")
    return try contents(scratch / "g")
  }

  /// The error of opening the good file after `change`; both ways to read it must agree.
  private func fault(_ change: (inout [UInt8]) -> Void) throws -> TraceError? {
    let scratch = try Scratch()
    var bytes = try good()
    change(&bytes)
    let path = try scratch.bytes("bad.nltrace", bytes)
    let opened = #expect(throws: TraceError.self) { _ = try CompactTrace.open(path) }
    if bytes.starts(with: CompactHeader.magicBytes) {
      let read = #expect(throws: TraceError.self) { try TraceFile.read(path) }
      #expect(read == opened)
    }
    #expect(opened?.description.hasPrefix(path + ": ") == true)
    return opened
  }

  private static func put(_ value: UInt64, at offset: Int, in bytes: inout [UInt8]) {
    for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }

  private static let events = MemoryLayout<nl_trace_header>.size

  @Test func theGoodFileOpens() throws {
    let scratch = try Scratch()
    let path = try scratch.bytes("g", good())
    let map = try CompactTrace.open(path)
    #expect(
      map.cpuCount == 2 && map.eventCount == 5 && map.allocationCount == 3 && map.remoteFrees == 1)
    #expect(try map.trace().tally == Tally(allocations: 3, localFrees: 1, remoteFrees: 1))
    // The layout that the replayer relies on: 8-byte words behind the header, in CPU order.
    let words = try contents(path)[Self.events...]
    #expect(words.count == 40 && Array(words.prefix(8)) == [0, 0, 0, 0, 60, 0, 0, 0x50])
  }

  @Test(arguments: [
    ("magic", 0, UInt64(7), "magic 0x7"), ("header size", 8, 2 << 32 | 9, "a header of 9 bytes"),
    ("no CPUs", 8, UInt64(MemoryLayout<nl_trace_header>.size), "0 CPUs; allowed: 1 to 256"),
    ("257 CPUs", 8, 257 << 32 | UInt64(MemoryLayout<nl_trace_header>.size), "257 CPUs"),
    ("events", 24, 6, "6 events, but 40 bytes"),
    ("huge events", 24, .max, "18446744073709551615 events, but"),
    ("null frees", 56, .max, "a count of"), ("duration", 80, .max, "a count of"),
    ("allocations", 16, 6, "6 allocations in 5 events"),
    ("remote frees", 32, 2, "remote frees: the header says 2, the streams hold 1"),
    ("local frees", 40, 0, "local frees: the header says 0"),
    ("live", 48, 0, "live at the end: the header says 0"),
  ])
  func header(_ name: String, _ offset: Int, _ value: UInt64, _ problem: String) throws {
    let error = try #require(try fault { Self.put(value, at: offset, in: &$0) })
    #expect(error.problem.hasPrefix(problem), "\(name): \(error)")
    // cpu_count is the second half of the second word.
    #expect(error.place == .offset(name.hasSuffix("CPUs") ? 12 : offset))
  }

  @Test func streamLengths() throws {
    let table = MemoryLayout<nl_trace_header>.offset(of: \.stream_events)!
    for (cpu, events) in [(0, UInt64(6)), (1, 3), (2, 1), (255, 1), (1, .max)] {
      let error = try #require(try fault { Self.put(events, at: table + 8 * cpu, in: &$0) })
      #expect(error.place == .offset(table + 8 * cpu))
    }
    #expect(
      try fault { Self.put(1, at: table + 8, in: &$0) }?.problem
        == "streams of 4 events together; the header says 5")
  }

  @Test func lengths() throws {
    #expect(try fault { $0.removeLast() }?.place == .offset(24))
    #expect(try fault { $0.append(0) }?.place == .offset(24))
    #expect(
      try fault { $0.removeLast($0.count - 100) }?.problem.hasPrefix(
        "100 bytes; a compact trace has at least") == true)
    #expect(try fault { $0 = [] }?.place == .file)
  }

  /// Every broken event is found at its own offset.
  @Test(arguments: [
    (0, UInt64(3), "id 3; allowed: below 3"),
    (3, 0x0200_0000_ffff_ffff, "id 4294967295; allowed: below 3"),
    (1, 0x5000_0008_0000_0000, "id 0 twice"),
    (0, 0x0300_0000_0000_0000, "operation 3"),
    (0, 0x6000_0000_0000_0000, "context 6; allowed: 0 to 5"),
    (0, 0xd000_0000_0000_0000, "context 13"),
    (2, 0x5100_0001_0000_0000, "a free with size or flags"),
    (2, 0x5500_0000_0000_0000, "a free with size or flags"),
    (2, 0x5200_0000_0000_0000, "a remote free of id 0, allocated on CPU 0"),
    (3, 0x5100_0000_0000_0001, "a local free of id 1, allocated on CPU 0"),
    (3, 0x5200_0000_0000_0000, "id 0 freed twice"),
  ])
  func events(_ index: Int, _ word: UInt64, _ problem: String) throws {
    let offset = Self.events + 8 * index
    let error = try #require(try fault { Self.put(word, at: offset, in: &$0) })
    #expect(error.place == .offset(offset))
    #expect(error.problem.hasPrefix("CPU \(index / 3), event \(index % 3): \(problem)"), "\(error)")
  }

  @Test func idsFallInAStream() throws {
    let error = try fault { bytes in
      Self.put(0x5000_003c_0000_0001, at: Self.events, in: &bytes)
      Self.put(0x5000_003c_0000_0000, at: Self.events + 8, in: &bytes)
    }
    #expect(error?.problem == "CPU 0, event 1: id 0 behind a larger one")
  }

  @Test func aFreeBeforeItsAllocation() throws {
    // CPU 0: free 0, alloc 0, …: a local free in front.
    let error = try fault { bytes in
      let (a, b) = (Self.events, Self.events + 16)
      for index in 0..<8 { bytes.swapAt(a + index, b + index) }
      // and alloc 0 behind alloc 1 would be found first, so let 1 be the last
      Self.put(0x5000_003c_0000_0000, at: Self.events + 8, in: &bytes)
      Self.put(0x5000_0008_0000_0001, at: Self.events + 16, in: &bytes)
    }
    #expect(error?.place == .offset(Self.events))
    #expect(error?.problem == "CPU 0, event 0: the free of id 0 can never follow its allocation")
  }

  /// Two streams that wait for each other: each frees remotely what the other allocates behind.
  @Test func streamsThatWaitForEachOther() throws {
    let context = TraceEvent.Context.task
    let streams = [
      [
        TraceEvent(id: 1, operation: .freeRemote, context: context),
        TraceEvent(id: 0, operation: .allocate, context: context),
      ],
      [
        TraceEvent(id: 0, operation: .freeRemote, context: context),
        TraceEvent(id: 1, operation: .allocate, context: context),
      ],
    ]
    let fault = #expect(throws: StreamFault.self) { try StreamCheck(streams, allocationCount: 2) }
    #expect(fault?.cpu == 0 && fault?.event == 0)
  }

  /// Any one byte of an archive changed: an error or a trace, never a crash, never a wrong id.
  @Test(arguments: 1...8) func damagedArchives(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let trace = try parsed(RandomTrace(seed: seed, events: 40, cpus: 3).text)
    let bytes = TraceArchive.encode(trace)
    var refused = 0
    for index in bytes.indices.dropFirst(8) {
      var damaged = bytes
      damaged[index] = UInt8.random(in: 0...255, using: &random)
      do {
        let read = try TraceArchive.decode(damaged, path: "x")
        _ = try StreamCheck(read.streams, allocationCount: read.tally.allocations)
        _ = try TraceSummary(read, path: "x").rendered(as: .text)
      } catch is TraceError {
        refused += 1
      }
    }
    #expect(refused > 0)
    for length in 8..<bytes.count {
      #expect(throws: TraceError.self) {
        try TraceArchive.decode(Array(bytes[..<length]), path: "x")
      }
    }
  }

  /// The same for the raw form: what opens can be replayed and shown.
  @Test(arguments: 1...4) func damagedRawFiles(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let scratch = try Scratch()
    try CompactTrace.write(
      parsed(RandomTrace(seed: seed, events: 40, cpus: 3).text), to: scratch / "t")
    let bytes = try contents(scratch / "t")
    var refused = 0
    // The header's fields, some of the table, every event.
    for index in Array(8..<160) + Array(Self.events..<bytes.count) {
      var damaged = bytes
      damaged[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
      do {
        let read = try CompactTrace.decode(bytes: damaged, path: "x")
        _ = try StreamCheck(read.streams, allocationCount: read.tally.allocations)
        _ = try TraceSummary(read, path: "x").rendered(as: .text)
      } catch is TraceError {
        refused += 1
      }
    }
    #expect(refused > 100)
  }

  @Test func truncatedArchive() throws {
    let scratch = try Scratch()
    let trace = try parsed(RandomTrace(seed: 9, events: 4000, cpus: 3).text)
    try TraceFile.write(trace, to: scratch / "t.nltrace.gz")
    let whole = try contents(scratch / "t.nltrace.gz")
    let path = try scratch.bytes("cut.nltrace.gz", Array(whole.dropLast(whole.count / 2)))
    let error = #expect(throws: TraceError.self) { try TraceFile.read(path) }
    #expect(error?.description == "\(path): truncated: the file ends within its gzip data")
  }
}
