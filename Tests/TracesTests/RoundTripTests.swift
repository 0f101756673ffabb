import Foundation
import Testing

@testable import Traces

/// text → archive → raw → archive → raw: nothing is lost that the form can hold.
@Suite struct RoundTripTests {
  @Test(arguments: 1...40) func randomTraces(_ seed: UInt64) throws {
    let cpus = Int(seed % 7) + 1
    let expected = RandomTrace(seed: seed, events: 400, cpus: cpus)
    let scratch = try Scratch()
    let trace = try TraceFile.read(scratch.file("t.txt", expected.text))

    #expect(trace.tally == expected.tally)
    var counts = trace.counts
    counts.durationNanoseconds = 0
    #expect(counts == expected.counts)
    #expect(trace.streams.count == expected.streams.count)
    for (stream, wanted) in zip(trace.streams, expected.streams) {
      #expect(
        stream.map { [$0.isAllocation ? 1 : 0, Int($0.size), Int($0.id)] }
          == wanted.map { [$0.0 ? 1 : 0, $0.1, $0.2] })
    }
    try roundTrip(trace, scratch)
  }

  /// Fails unless every form of `trace` reads back as the same.
  func roundTrip(_ trace: Trace, _ scratch: Scratch) throws {
    let (raw, archive) = (scratch / "a.nltrace", scratch / "a.nltrace.gz")
    try TraceFile.write(trace, to: raw)
    try TraceFile.write(trace, to: archive)
    #expect(try TraceFile.read(archive) == trace)

    let bare = try TraceFile.read(raw)
    #expect(bare.streams == trace.streams)
    #expect(bare.timeline == nil && bare.counts.lostFrees == nil)
    #expect(bare.counts.durationNanoseconds == trace.counts.durationNanoseconds)
    #expect(bare.counts.nullFrees == trace.counts.nullFrees)
    #expect(bare.counts.unknownFrees == trace.counts.unknownFrees)

    // The archive of a raw file, and the raw file of that and of the first archive.
    try TraceFile.write(bare, to: scratch / "b.nltrace.gz")
    #expect(try TraceFile.read(scratch / "b.nltrace.gz") == bare)
    for source in [archive, scratch / "b.nltrace.gz"] {
      try TraceFile.write(TraceFile.read(source), to: scratch / "c.nltrace")
      #expect(try contents(scratch / "c.nltrace") == contents(raw))
    }
    // Raw, gzipped by hand.
    #expect(try TraceFile.read(scratch.gzip("d.gz", contents(raw))) == bare)
  }

  @Test func nanosecondsSurvive() throws {
    let trace = try parsed(
      "a 1 [0] 1.000000001: kmem:kmalloc: ptr=0x1 bytes_req=8 gfp_flags=GFP_KERNEL\n"
        + "a 1 [0] 1.000000008: kmem:kfree: ptr=0x1\n")
    try roundTrip(trace, Scratch())
    #expect(trace.timeline?.nanoseconds == [0, 7])
  }

  @Test func writingLeavesNothingBehind() throws {
    let scratch = try Scratch()
    let trace = try parsed(alloc("0x1", 8, at: 1))
    for name in ["x.nltrace", "x.nltrace.gz"] {
      // The target is a folder: the rename fails.
      try FileManager.default.createDirectory(
        atPath: scratch / name, withIntermediateDirectories: true)
      let error = #expect(throws: TraceError.self) {
        try TraceFile.write(trace, to: scratch / name)
      }
      #expect(error?.problem == "cannot be written: Is a directory")
    }
    let missing = #expect(throws: TraceError.self) {
      try TraceFile.write(trace, to: "/nonexistent/x")
    }
    #expect(missing?.description == "/nonexistent/x: cannot be written: No such file or directory")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == [
        "x.nltrace", "x.nltrace.gz",
      ])
  }

  @Test func expandsOnceIntoTheCache() throws {
    let scratch = try Scratch()
    let trace = try parsed(alloc("0x1", 8, at: 1) + free("0x1", cpu: 1, at: 2))
    try TraceFile.write(trace, to: scratch / "x.nltrace")
    try TraceFile.write(trace, to: scratch / "x.nltrace.gz")
    let cache = scratch / "cache/traces"
    // A raw file needs no cache.
    #expect(
      try TraceFile.expanded(scratch / "x.nltrace", cacheFolder: cache) == scratch / "x.nltrace")
    #expect(!FileManager.default.fileExists(atPath: cache))

    let expanded = try TraceFile.expanded(scratch / "x.nltrace.gz", cacheFolder: cache)
    #expect(expanded.hasPrefix(cache + "/x-") && expanded.hasSuffix(".nltrace"))
    #expect(try contents(expanded) == contents(scratch / "x.nltrace"))
    let first =
      try FileManager.default.attributesOfItem(atPath: expanded)[.systemFileNumber] as? UInt64
    #expect(try TraceFile.expanded(scratch / "x.nltrace.gz", cacheFolder: cache) == expanded)
    #expect(
      try FileManager.default.attributesOfItem(atPath: expanded)[.systemFileNumber] as? UInt64
        == first)

    // A damaged entry is made anew; another content has another entry.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: expanded))
    #expect(try TraceFile.expanded(scratch / "x.nltrace.gz", cacheFolder: cache) == expanded)
    #expect(try contents(expanded) == contents(scratch / "x.nltrace"))
    try TraceFile.write(parsed(alloc("0x1", 9, at: 1)), to: scratch / "x.nltrace.gz")
    #expect(try TraceFile.expanded(scratch / "x.nltrace.gz", cacheFolder: cache) != expanded)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache).count == 2)
  }

  @Test func textExpandsToo() throws {
    let scratch = try Scratch()
    let text = try scratch.file("t.perf.txt", alloc("0x1", 8, at: 1))
    #expect(
      try CompactTrace.open(TraceFile.expanded(text, cacheFolder: scratch.path)).eventCount == 1)
    let error = #expect(throws: TraceError.self) {
      try TraceFile.expanded(scratch / "none", cacheFolder: scratch.path)
    }
    #expect(error?.problem == "cannot be opened: No such file or directory")
  }
}
