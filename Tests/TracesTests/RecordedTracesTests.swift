import Foundation
import Testing

@testable import Traces

/// The three recordings in Benchmarks/traces; the counts were taken with awk from the text, not
/// with this parser.
@Suite struct RecordedTracesTests {
  struct Expected: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let lines: UInt64
    let tally: Tally
    /// Remote frees of real frees, in percent.
    let remotePercent: Int
    let nullFrees: UInt64
    let unknownFrees: UInt64
    let zeroed: UInt64
    let accounted: UInt64
    let bytes: UInt64
    let microseconds: UInt64
    let perCPU: [UInt64]
    let sizes: [String: UInt64]
    let contexts: [String: UInt64]
    let lifetimes: [UInt64]
    let between: [UInt64]
    var testDescription: String { name }
  }

  static let all = [
    Expected(
      name: "hackbench", text: "hackbench.perf.txt.gz", lines: 300_000,
      tally: Tally(allocations: 149_317, localFrees: 82_627, remoteFrees: 59_479),
      remotePercent: 42,
      nullFrees: 8529, unknownFrees: 48, zeroed: 5497, accounted: 143_817, bytes: 75_192_549,
      microseconds: 445_844, perCPU: [145_838, 145_585],
      sizes: [
        "16": 163, "32": 166, "64": 190, "96": 322, "128": 3050, "192": 1327, "256": 2,
        "512": 143_777, "1024": 1, "2048": 160, "4096": 159,
      ],
      contexts: ["unknown": 291_423], lifetimes: [12_149, 41_476, 100_939, 419_470],
      between: [10_781, 35_664, 89_303, 289_009]),
    Expected(
      name: "find-usr", text: "find-usr.perf.txt.gz", lines: 300_000,
      tally: Tally(allocations: 143_896, localFrees: 143_778, remoteFrees: 1), remotePercent: 0,
      nullFrees: 12_313, unknownFrees: 12, zeroed: 143_842, accounted: 5, bytes: 9_769_450,
      microseconds: 573_917, perCPU: [79, 287_596],
      sizes: [
        "16": 1, "32": 5, "64": 87_612, "96": 47_883, "128": 8288, "192": 58, "512": 2, "1024": 1,
        "4096": 46,
      ],
      contexts: ["unknown": 287_675], lifetimes: [60, 419, 4723, 114_626],
      between: [34, 176, 2126, 48_820]),
    Expected(
      name: "mixed", text: "mixed.ftrace.txt.gz", lines: 168_093,
      tally: Tally(allocations: 48_482, localFrees: 33_277, remoteFrees: 15_058), remotePercent: 31,
      nullFrees: 69_103, unknownFrees: 2173, zeroed: 6623, accounted: 41_625, bytes: 22_415_059,
      microseconds: 2_445_075, perCPU: [48_339, 48_478],
      sizes: [
        "8": 4, "16": 646, "32": 403, "64": 1965, "96": 1377, "128": 1590, "192": 735, "256": 3,
        "512": 41_150, "1024": 322, "2048": 241,
        "4096": 45, "8192": 1,
      ],
      contexts: ["task": 95_232, "softirq": 1585], lifetimes: [5482, 19_591, 131_214, 2_445_022],
      between: [4749, 19_738, 84_650, 96_812]),
  ]

  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let committed = repository.appendingPathComponent("Benchmarks/traces").path
  /// The recordings as text are not in the repository.
  static let shared = [
    repository.deletingLastPathComponent().path + "/shared/traces", "/work/shared/traces",
  ]
  .first { FileManager.default.fileExists(atPath: $0) }

  static func path(_ expected: Expected) -> String { "\(committed)/\(expected.name).nltrace.gz" }

  private func check(_ trace: Trace, _ expected: Expected) {
    let s = TraceSummary(trace, path: expected.name)
    #expect(trace.tally == expected.tally)
    #expect(s.remoteShare.map { Int(($0 * 100).rounded()) } == expected.remotePercent)
    #expect(s.recordedEvents == expected.lines)
    #expect(s.nullFrees == expected.nullFrees && s.unknownFrees == expected.unknownFrees)
    #expect(
      s.lostFrees == 0 && s.failedAllocations == 0 && s.garbageLines == 0 && s.otherLines == 0
        && s.lostEvents == 0)
    #expect(s.flags.map(\.count) == [expected.zeroed, expected.accounted])
    #expect(s.bytesRequested == expected.bytes)
    #expect(s.durationNanoseconds == expected.microseconds * 1000)
    #expect(s.cpus.map(\.events) == expected.perCPU)
    #expect(
      Dictionary(uniqueKeysWithValues: s.sizes.filter { $0.count > 0 }.map { ($0.name, $0.count) })
        == expected.sizes)
    #expect(
      Dictionary(
        uniqueKeysWithValues: s.contexts.filter { $0.count > 0 }.map { ($0.name, $0.count) })
        == expected.contexts)
    let (us, events) = (s.lifetimes.microseconds, s.lifetimes.events)
    #expect([us?.median, us?.p90, us?.p99, us?.max] == expected.lifetimes)
    #expect([events?.median, events?.p90, events?.p99, events?.max] == expected.between)
  }

  @Test(arguments: all) func archive(_ expected: Expected) throws {
    let path = Self.path(expected)
    let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    #expect(size < 1_000_000)
    check(try TraceFile.read(path), expected)
  }

  @Test(arguments: all) func expandsForReplay(_ expected: Expected) throws {
    let scratch = try Scratch()
    let raw = try CompactTrace.open(
      TraceFile.expanded(Self.path(expected), cacheFolder: scratch.path))
    #expect(raw.cpuCount == 2 && raw.allocationCount == expected.tally.allocations)
    #expect(
      raw.eventCount == expected.perCPU.reduce(0) { $0 + Int($1) }
        && raw.remoteFrees == expected.tally.remoteFrees)
  }

  @Test(
    .enabled(if: shared != nil, "the recordings as text (shared/traces) are not on this machine"),
    arguments: all)
  func importIsReproducible(_ expected: Expected) throws {
    let text = try TraceFile.read(#require(Self.shared) + "/" + expected.text)
    #expect(try TraceFile.read(Self.path(expected)) == text)
  }
}
