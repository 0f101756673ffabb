import Foundation
import Testing

@testable import Traces

/// A small recording, worked out by hand.
@Suite struct TraceSummaryTests {
  private func trace() throws -> Trace {
    try parsed(
      alloc("0x100", 60, cpu: 0, at: 0)
        + alloc("0x200", 8, cpu: 0, at: 10, flags: "GFP_KERNEL|__GFP_ZERO")
        + alloc("0x300", 8, cpu: 1, at: 20, flags: "GFP_KERNEL_ACCOUNT")
        + free("0x100", cpu: 1, at: 30)
        + free("0x200", cpu: 0, at: 31) + alloc("0x400", 8193, cpu: 1, at: 40)
        + free("(nil)", cpu: 1, at: 50)
        + "PERF_RECORD_LOST lost 5\n")
  }

  @Test func numbers() throws {
    let s = TraceSummary(try trace(), path: "p")
    #expect(s.source == "perf script" && s.recordedEvents == 7 && s.events == 6)
    #expect(
      s.allocations == 4 && s.frees == 2 && s.localFrees == 1 && s.remoteFrees == 1
        && s.remoteShare == 0.5)
    #expect(
      s.unfreed == 2 && s.nullFrees == 1 && s.unknownFrees == 0 && s.lostFrees == 0
        && s.lostEvents == 5)
    #expect(s.durationNanoseconds == 50_000 && s.bytesRequested == 60 + 8 + 8 + 8193)
    #expect(
      s.cpus == [
        .init(cpu: 0, events: 3, allocations: 2, frees: 1),
        .init(cpu: 1, events: 3, allocations: 2, frees: 1),
      ])
    #expect(
      s.sizes.filter { $0.count > 0 } == [
        .init("8", 2, of: 4), .init("64", 1, of: 4), .init(">8192", 1, of: 4),
      ])
    #expect(
      s.sizes.map(\.name) == [
        "8", "16", "32", "64", "96", "128", "192", "256", "512", "1024", "2048", "4096", "8192",
        ">8192",
      ])
    #expect(s.topSizes.map(\.name) == ["8", "60", "8193"])
    #expect(s.contexts.filter { $0.count > 0 } == [.init("unknown", 6, of: 6)])
    #expect(s.flags == [.init("ZERO", 1, of: 4), .init("ACCOUNT", 1, of: 4)])
    // 0x100: 30 µs, two events between; 0x200: 21 µs, two events between.
    #expect(
      s.lifetimes.microseconds == Quantiles([30, 21]) && s.lifetimes.microseconds?.median == 21)
    #expect(s.lifetimes.events == Quantiles([2, 2]) && s.unavailable.isEmpty)
  }

  @Test func contextsOfFtrace() throws {
    let columns = [".....", "..s1.", "..h..", "..z..", "d...."]
    let text = columns.enumerated().map { index, column in
      "     a b-1    [000] \(column) 1.00000\(index): kmalloc: call_site=f"
        + " ptr=000000000000100\(index)"
        + " bytes_req=8 bytes_alloc=8 gfp_flags=GFP_ATOMIC\n"
    }
    let s = TraceSummary(try parsed(text.joined()), path: "p")
    #expect(s.source == "ftrace")
    #expect(s.contexts.map(\.count) == [1, 1, 1, 1, 1, 0])
    #expect(s.contexts.map(\.name) == ["task", "softirq", "hardirq", "nmi", "irqs-off", "unknown"])
    #expect(s.contexts[0].share == 0.2)
    #expect(s.remoteShare == nil && s.unavailable["remoteShare"] == "nothing is freed")
  }

  @Test func quantilesByNearestRank() {
    let q = Quantiles((1...1000).reversed().map { $0 })
    #expect(q?.median == 500 && q?.p90 == 900 && q?.p99 == 990 && q?.max == 1000)
    #expect(Quantiles([7])?.p99 == 7 && Quantiles([]) == nil)
  }

  @Test func bucketEdges() throws {
    let sizes = [0, 1, 8, 9, 64, 65, 96, 97, 128, 129, 192, 193, 8192, 8193]
    let text = sizes.enumerated().map { alloc("0x1\($0)", $1, at: $0) }.joined()
    let histogram = TraceSummary(try parsed(text), path: "p").sizes
    #expect(
      Dictionary(uniqueKeysWithValues: histogram.map { ($0.name, $0.count) }) == [
        "8": 3, "16": 1, "32": 0, "64": 1, "96": 2, "128": 2, "192": 2, "256": 1, "512": 0,
        "1024": 0, "2048": 0, "4096": 0,
        "8192": 1, ">8192": 1,
      ])
  }

  @Test func mix() throws {
    let mix = TraceMix(try trace())
    #expect(
      mix.distribution.map(\.size) == [8, 60, 8193] && mix.distribution.map(\.weight) == [2, 1, 1]
        && mix.total == 4)
  }

  @Test func text() throws {
    let text = try TraceSummary(trace(), path: "p.gz").rendered(as: .text)
    #expect(text.hasPrefix("p.gz (perf script)\n\nRecording\n"))
    #expect(text.contains("  remote frees             1   50.0 %\n"))
    #expect(text.contains("  lost events                5\n"))
    #expect(text.hasSuffix("\n") && !text.contains("Unavailable") && !text.contains("  16 "))
  }

  @Test func csv() throws {
    let lines = try TraceSummary(trace(), path: "p").rendered(as: .csv).split(separator: "\n")
    #expect(lines[0] == "section,name,count,unit,share")
    #expect(lines.contains("recording,remote frees,1,,0.500000"))
    #expect(lines.contains("left-out,lost events,5,,"))
    #expect(lines.contains("bucket,>8192,1,,0.250000"))
    #expect(lines.contains("lifetime-us,max,30,µs,"))
    #expect(lines.allSatisfy { $0.filter { $0 == "," }.count == 4 })
  }

  @Test func markdown() throws {
    let text = try TraceSummary(trace(), path: "a|b").rendered(as: .markdown)
    #expect(
      text.hasPrefix(
        "## a\\|b (perf script)\n\n### Recording\n\n| | count | share |\n|---|---:|---:|\n"))
    #expect(text.contains("| remote frees | 1 | 50.0 % |\n"))
  }

  @Test func jsonReadsBack() throws {
    let scratch = try Scratch()
    try CompactTrace.write(trace(), to: scratch / "t.nltrace")
    for trace in [try trace(), try TraceFile.read(scratch / "t.nltrace")] {
      let summary = TraceSummary(trace, path: "p")
      let json = try summary.rendered(as: .json)
      #expect(try JSONDecoder().decode(TraceSummary.self, from: Data(json.utf8)) == summary)
    }
  }

  @Test func rawFilesSayWhatIsMissing() throws {
    let scratch = try Scratch()
    try CompactTrace.write(trace(), to: scratch / "t.nltrace")
    let summary = TraceSummary(try TraceFile.read(scratch / "t.nltrace"), path: "t")
    #expect(
      summary.unavailable.keys.sorted() == [
        "failedAllocations", "lifetimes", "lostEvents", "lostFrees", "otherLines",
      ])
    #expect(summary.lifetimes.events == nil && summary.lostFrees == nil && summary.remoteFrees == 1)
    #expect(try summary.rendered(as: .json).contains("\"lostFrees\" : null"))
    #expect(try summary.rendered(as: .csv).contains("\nleft-out,lost frees,,,\n"))
    let text = try summary.rendered(as: .text)
    #expect(
      text.contains(
        "Unavailable: failedAllocations, lifetimes, lostEvents, lostFrees, otherLines:"
          + " the raw compact form"
      ))
    #expect(text.contains("  lost frees                 unavailable\n"))
  }

  @Test func garbageIsShown() throws {
    let text = "noise\n" + (1...200).map { alloc("0x\($0)", 8, at: $0) }.joined()
    #expect(
      try TraceSummary(parsed(text), path: "t").rendered(as: .text).hasSuffix(
        "\nGarbage, the first 1 of 1 lines:\n  line 1: no task, [CPU] and time: noise\n"))
  }
}
