import Foundation
import Testing

@testable import Traces

/// What a whole recording means.
@Suite struct TraceTextTests {
  @Test func idsAndRemoteFrees() throws {
    let trace = try parsed(
      alloc("0x100", 60, cpu: 0, at: 1)
        + alloc("0x200", 8, cpu: 1, at: 2, flags: "GFP_KERNEL|__GFP_ZERO")
        + free("0x100", cpu: 1, at: 3) + alloc("0x100", 61, cpu: 1, at: 4)
        + free("0x200", cpu: 1, at: 5) + free("0x100", cpu: 0, at: 1_000_006))
    #expect(trace.source == .perf)
    #expect(trace.streams.count == 2)
    let zero = trace.streams[0]
    #expect(zero.map(\.operation) == [.allocate, .freeRemote])
    #expect(zero.map(\.id) == [0, 2] && zero.map(\.size) == [60, 0])
    let one = trace.streams[1]
    #expect(one.map(\.operation) == [.allocate, .freeRemote, .allocate, .freeLocal])
    #expect(one.map(\.id) == [1, 0, 2, 1])
    #expect(one.map(\.isZeroed) == [true, false, false, false])
    #expect(trace.tally == Tally(allocations: 3, localFrees: 1, remoteFrees: 2))
    #expect(trace.timeline?.cpus == [0, 1, 1, 1, 1, 0])
    #expect(trace.timeline?.nanoseconds == [0, 1000, 2000, 3000, 4000, 1_000_005_000])
    #expect(trace.counts.durationNanoseconds == 1_000_005_000)
  }

  @Test func dropped() throws {
    let trace = try parsed(
      free("(nil)", at: 1) + free("0x10", at: 2) + free("0xdead", at: 3) + alloc("0x1000", 8, at: 4)
        + alloc("(nil)", 4096, at: 5) + free("0x1000", at: 6) + free("0x1000", at: 7))
    #expect(trace.counts.nullFrees == 2)  // NULL and ZERO_SIZE_PTR
    #expect(trace.counts.unknownFrees == 2)  // before the recording, and a second free
    #expect(trace.counts.failedAllocations == 1)
    #expect(trace.counts.lostFrees == 0)
    #expect(trace.eventCount == 2)
    // Dropped events count for the recording's duration.
    #expect(trace.counts.durationNanoseconds == 6000)
  }

  @Test func aLostFreeLeavesTheOldOneLive() throws {
    let trace = try parsed(
      alloc("0x100", 8, cpu: 0, at: 1) + alloc("0x100", 16, cpu: 1, at: 2)
        + free("0x100", cpu: 1, at: 3))
    #expect(trace.counts.lostFrees == 1)
    #expect(trace.tally == Tally(allocations: 2, localFrees: 1, remoteFrees: 0))
    #expect(trace.streams[1].last?.id == 1)
    #expect(trace.tally.live == 1)
  }

  @Test func ordersByTimeAndKeepsTies() throws {
    // A per-CPU dump: the second CPU's lines behind the first's; the tie at 3 keeps the file order.
    let trace = try parsed(
      free("0x100", cpu: 0, at: 3) + free("0x200", cpu: 0, at: 4) + alloc("0x100", 8, cpu: 1, at: 1)
        + alloc("0x200", 16, cpu: 1, at: 2) + alloc("0x100", 24, cpu: 1, at: 3))
    #expect(trace.timeline?.cpus == [1, 1, 0, 1, 0])
    #expect(trace.tally == Tally(allocations: 3, localFrees: 0, remoteFrees: 2))
    #expect(trace.counts.unknownFrees == 0 && trace.counts.lostFrees == 0)
    #expect(trace.streams[1].map(\.size) == [8, 16, 24])
  }

  @Test func sparseCPUsKeepTheirNumbers() throws {
    let trace = try parsed(alloc("0x100", 8, cpu: 5, at: 1) + free("0x100", cpu: 255, at: 2))
    #expect(trace.streams.count == 256)
    #expect(trace.streams.enumerated().filter { !$1.isEmpty }.map(\.offset) == [5, 255])
    let scratch = try Scratch()
    try TraceFile.write(trace, to: scratch / "t.nltrace")
    #expect(try CompactTrace.open(scratch / "t.nltrace").cpuCount == 256)
  }

  @Test func tooManyCPUs() throws {
    let error = try problem(alloc("0x1", 8, at: 1) + alloc("0x2", 8, cpu: 256, at: 2))
    #expect(error?.place == .line(2))
    #expect(error?.problem == "CPU 256; allowed: 0 to 255")
  }

  @Test func countsOtherAndLostLines() throws {
    let trace = try parsed(
      "# tracer: nop\n\nCPU:1 [LOST 40 EVENTS]\r\nCPU:0 [LOST EVENTS]\n" + alloc("0x1", 8, at: 1)
        + perf("mm_page_free", cpu: 0, at: 2, "page=0x1") + free("0x1", at: 3).dropLast())
    #expect(trace.counts.lostEvents == 41 && trace.counts.otherLines == 1)
    #expect(trace.counts.garbageLines == 0 && trace.eventCount == 2)
  }

  @Test func aLittleGarbageIsCountedAndShown() throws {
    // 1 of 200 lines: 0.5 %; and 2 of 200: exactly 1 %, still allowed.
    for count in [1, 2] {
      let good = (count..<200).map { alloc("0x\($0)", 8, at: $0) }
      let trace = try parsed((good + (0..<count).map { "no\u{1}ise \($0)\n" }).joined())
      #expect(trace.counts.garbageLines == UInt64(count))
      #expect(trace.garbage.map(\.line) == (0..<count).map { 201 - count + $0 })
      #expect(trace.garbage.first?.text == "no·ise 0")
      #expect(trace.garbage.first?.reason == "no task, [CPU] and time")
    }
  }

  @Test func muchGarbageIsFatal() throws {
    let lines = (0..<196).map { alloc("0x\($0)", 8, at: $0) } + (0..<4).map { "noise \($0)\n" }
    let error = try #require(try problem(lines.joined()))
    #expect(error.place == .line(197))
    #expect(
      error.description.hasSuffix(
        "t:197: no task, [CPU] and time: “noise 0”; 4 of 200 lines"
          + " are not perf script or ftrace text, allowed: 1 %"
      ))
  }

  @Test(arguments: [
    "", "# tracer: nop\n", "a 1 [0] 1.0: kmem:kfree: ptr=0x1\n",
    "a 1 [0] 1.0: sched:sched_switch: x\n",
  ])
  func emptyTraces(_ text: String) throws {
    let error = try #require(try problem(text))
    #expect(
      error.problem.hasPrefix(
        "no allocation in \(text.isEmpty ? 0 : 1) lines; wanted: kmem:kmalloc"))
  }

  @Test func gzipAndPlainAreTheSame() throws {
    let scratch = try Scratch()
    let text = (0..<5000).map { alloc("0x1\($0)", $0, at: $0) }.joined()
    let plain = try TraceText.parse(scratch.file("t.txt", text))
    #expect(plain.eventCount == 5000)
    #expect(try TraceText.parse(scratch.gzip("t.txt.gz", Array(text.utf8))) == plain)
    // Two gzip members, one behind the other, are one file.
    let half = try [text.prefix(90), text.dropFirst(90)].flatMap {
      try contents(scratch.gzip("half", Array($0.utf8)))
    }
    #expect(try TraceText.parse(scratch.bytes("two.gz", half)) == plain)
  }

  @Test(arguments: [0.1, 0.5, 0.99]) func truncatedGzip(_ part: Double) throws {
    let scratch = try Scratch()
    let whole = try contents(
      scratch.gzip("t.gz", Array((0..<5000).map { alloc("0x\($0)", $0, at: $0) }.joined().utf8)))
    let path = try scratch.bytes("cut.gz", Array(whole[..<Int(Double(whole.count) * part)]))
    let error = #expect(throws: TraceError.self) { try TraceFile.read(path) }
    #expect(error?.description == "\(path): truncated: the file ends within its gzip data")
  }

  /// Cut within gzip's own header (10 bytes) or trailer (8 bytes).
  @Test func truncatedGzipEdges() throws {
    let scratch = try Scratch()
    let whole = try contents(scratch.gzip("t.gz", Array(alloc("0x1", 8, at: 1).utf8)))
    for count in Array(2...12) + Array(whole.count - 8..<whole.count) {
      let path = try scratch.bytes("cut.gz", Array(whole[..<count]))
      let error = #expect(throws: TraceError.self) { try TraceFile.read(path) }
      #expect(error?.problem.hasPrefix("truncated: ") == true, "\(count) bytes: \(error as Any)")
    }
  }

  @Test func damagedGzip() throws {
    let scratch = try Scratch()
    var bytes = try contents(
      scratch.gzip("t.gz", Array((0..<5000).map { alloc("0x\($0)", $0, at: $0) }.joined().utf8)))
    bytes[bytes.count - 8] ^= 1  // the checksum
    let path = try scratch.bytes("bad.gz", bytes)
    let error = #expect(throws: TraceError.self) { try TraceFile.read(path) }
    #expect(error?.description.hasPrefix("\(path): cannot be read: ") == true)
  }

  @Test func binaryInput() throws {
    let scratch = try Scratch()
    let path = try scratch.bytes("b", [UInt8](repeating: 0, count: 3 << 20))
    let error = #expect(throws: TraceError.self) { try TraceFile.read(path) }
    #expect(error?.description == "\(path):1: a line longer than 1 MiB: this is no trace text")
  }

  @Test func missingFile() throws {
    let error = #expect(throws: TraceError.self) { try TraceFile.read("/nonexistent/t.gz") }
    #expect(error?.description == "/nonexistent/t.gz: cannot be opened: No such file or directory")
  }
}
