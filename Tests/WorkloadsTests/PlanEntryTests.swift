import CRecords
import Foundation
import TestSupport
import Testing

/// A malformed plan entry ends with 64 and one line; a missing subject is a skipped sample.
@Suite struct PlanEntryTests {
  private func refusal(_ change: (inout nl_plan_entry) -> Void) throws -> String {
    let run = try SampleProgram.run(input: bytes(entry("null", NL_PAIR, change)))
    #expect(run.exitCode == 64)
    #expect(run.output.isEmpty)
    #expect(run.errors.filter { $0 == "\n" }.count == 1)
    return run.errors
  }

  @Test func fieldsOutOfRange() throws {
    #expect(try refusal { $0.abi = 99 }.contains("abi 99"))
    #expect(try refusal { $0.size = 100 }.contains("size 100"))
    #expect(try refusal { $0.workload = 9 }.contains("workload is 9, allowed: 1…8"))
    #expect(try refusal { $0.threads = 0 }.contains("threads is 0, allowed: 1…256"))
    #expect(try refusal { $0.irq = 7 }.contains("irq is 7"))
    #expect(try refusal { $0.mix_count = 3 }.contains("mix_count is 3, allowed: a power of two"))
    #expect(try refusal { $0.mix.0 = 0 }.contains("mix[0] is 0"))
    #expect(try refusal { $0.iterations = 0 }.contains("target_ns is 0"))
    for rate in [-1, 0, 1e9, .nan] {
      let line = try refusal {
        $0.irq = NL_IRQ_TIMER.rawValue
        $0.irq_rate = rate
      }
      #expect(line.contains("irq_rate is \(rate)"))
    }
    let endless = try refusal { set(&$0.subject, String(repeating: "A", count: 63), end: 65) }
    #expect(endless.contains("subject has no end within 64 bytes"))
  }

  @Test func truncatedEntry() throws {
    let whole = bytes(entry("null", NL_PAIR))
    for count in [0, 7, 8, whole.count - 1] {
      let run = try SampleProgram.run(input: whole.prefix(count))
      #expect(run.exitCode == 64)
      #expect(run.errors.contains("plan entry: \(min(count, count < 8 ? 7 : count)) bytes"))
    }
  }

  @Test func wrongArguments() throws {
    #expect(try SampleProgram.run(["--nonsense"]).exitCode == 64)
  }

  @Test func missingSubjectsAreSkipped() throws {
    let unknown = try sample(entry("nonsense", NL_PAIR))
    #expect(unknown.status == NL_SKIPPED)
    #expect(unknown.reason.contains("allowed: sheaves, heap, cpuslab"))
    let absent = try sample(entry("peer:/nonexistent/lib.so", NL_PAIR))
    #expect(absent.status == NL_SKIPPED)
    #expect(absent.reason.contains("/nonexistent/lib.so"))
    let packages = [
      "jemalloc": "libjemalloc2", "mimalloc": "libmimalloc2.0", "tcmalloc": "libtcmalloc-minimal4",
    ]
    for (name, package) in packages where !SampleProgram.available.contains(name) {
      let sample = try sample(entry(name, NL_PAIR))
      #expect(sample.status == NL_SKIPPED)
      #expect(sample.reason.contains(package), "\(sample.reason)")
    }
  }

  @Test func peerMustDefineItsOwnMalloc() throws {
    let path = try FixtureSubject.build()
    defer { try? FileManager.default.removeItem(atPath: path) }
    // The loader would find libc's malloc behind it.
    let sample = try sample(entry("peer:fixture", NL_PAIR) { set(&$0.object_path, path) })
    #expect(sample.status == NL_FAILED)
    #expect(sample.reason.contains("does not define malloc"))
  }

  @Test func listingNamesEverySubject() throws {
    let run = try SampleProgram.run(["--subjects"])
    #expect(run.exitCode == 0)
    let lines = String(decoding: run.output, as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    #expect(
      lines.map { $0[0] }
        == ["sheaves", "heap", "cpuslab", "tiny", "gfpflag", "floor", "sheaves+debug", "sheaves-rt",
          "cpuslab-rt", "tiny-rt", "null", "glibc", "jemalloc", "mimalloc", "tcmalloc"])
    #expect(lines.allSatisfy { $0.count == 3 && ["available", "missing"].contains($0[1]) })
  }
}
