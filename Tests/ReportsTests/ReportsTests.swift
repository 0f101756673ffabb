import Foundation
import TestSupport
import Testing

@testable import Measurement
@testable import Reports

/// A result of nine blocks with a skipped and a failed arm.
private func example() throws -> (plan: Plan, samples: [Sample], result: RunResult) {
  let yaml = """
    base: glibc
    blocks: 9
    groups:
      - workload: storm
        mix: uniform:8-2048
        live: 10000
        foreground: churn
        threads: 2
        irq: timer
        arrivals: poisson
        handler: [nolock, empty]
        subject: [sheaves, glibc, "null", jemalloc]
    """
  let plan = try Plan(
    Suite(yaml: yaml, file: "x.yaml"), command: ["nolock", "run", "x.yaml"],
    fingerprint: Fingerprint(
      machine: ["kernel": .known("6.18"), "governor": .unknown("no cpufreq")], code: [:],
      programs: [:]))
  var samples: [Sample] = []
  for block in 0..<9 {
    for comparison in plan.comparisons {
      for (place, arm) in comparison.arms.enumerated() {
        let index = place % 4
        if index == 3 && block > 0 { continue }
        let ok = index < 3 && !(place == 0 && block == 4)
        let ns = UInt64(1_000_000 * (index + 1) + block)
        samples.append(
          Sample(
            cell: arm.id, hash: arm.hash, block: block, position: index, attempt: 0, seed: 1,
            status: ok ? .ok : index == 3 ? .skipped : .failed,
            reason: ok ? nil : index == 3 ? "no calls, \"none\"" : "ended by signal 11 (SIGSEGV)",
            signal: ok || index == 3 ? nil : 11, startedAt: 0, processNanoseconds: 1,
            metrics: !ok
              ? []
              : [
                Metric(name: "wall_ns", value: ns, source: .clock),
                Metric(name: "foreground_ns", value: ns * 2, source: .clock),
                Metric(name: "cpu_ns", value: ns * 2, source: .clock),
                Metric(name: "operations", value: 200_000, source: .count),
                Metric(name: "handler_signals", value: 20, source: .count),
                Metric(name: "handler_requested", value: 20, source: .count),
                Metric(name: "handler_attempts", value: 12_800, source: .count),
                Metric(name: "handler_first", value: 12_799, source: .count),
                Metric(name: "handler_next_bucket", value: 1, source: .count),
                Metric(name: "handler_failed", value: 0, source: .count),
                Metric(name: "stat.free_deferred", value: 7, source: .count),
                Metric(name: "stat.nolock_slow", value: 1_600, source: .count),
              ], latency: ok ? [Bucket(low: 40, width: 8, count: 12_800)] : []))
      }
    }
  }
  let result = RunResult(plan, samples: samples, run: "run, 1", interrupted: false)
  return (plan, samples, result)
}

@Suite("Reports")
struct ReportsTests {
  @Test("the table fits into 100 columns and says what was skipped and failed")
  func text() throws {
    let text = TextReport.render(ResultTables.tables(try example().result))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    #expect(text.contains("8 of 9 blocks"))
    #expect(text.contains("jemalloc skipped: no calls, \"none\""))
    #expect(text.contains("sheaves FAILED in 1 samples (1 blocks dropped): ended by signal 11"))
    // 12,799 of 12,800 is not 100 %.
    #expect(text.contains("99.992"))
    // Of a slab 1,600 allocations; 7 frees deferred by 20 signals.
    #expect(text.contains("12.500"))
    #expect(text.contains("0.350"))
  }

  @Test("Markdown has as many cells in each row as in its header")
  func markdown() throws {
    let text = MarkdownReport.render(ResultTables.tables(try example().result))
    var columns = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else {
        columns = 0
        continue
      }
      let count = line.count { $0 == "|" }
      #expect(columns == 0 || count == columns, "\(line)")
      columns = count
    }
    #expect(text.contains("| sheaves |"))
  }

  @Test("numbers keep three significant digits and are never rounded up to 100 %")
  func numbers() {
    #expect(NumberText.short(0.41234) == "0.412")
    #expect(NumberText.short(3.1) == "3.10")
    #expect(NumberText.short(48.21) == "48.2")
    #expect(NumberText.short(1234.4) == "1234")
    #expect(NumberText.percent(0.9999999) == "99.999")
    #expect(NumberText.percent(1) == "100")
    #expect(NumberText.orDash(nil) == "–")
  }

  @Test("CSV is RFC 4180 with exactly the columns of the contract")
  func csv() throws {
    let (plan, samples, result) = try example()
    let text = CSVReport.render(plan, samples: samples, run: result.run)
    let lines = text.components(separatedBy: "\r\n")
    #expect(
      lines[0] == "run,cell,subject,arm,workload,mix,threads,irq_source,irq_rate,block,position,"
        + "attempt,metric,unit,source,value,valid,reason")
    #expect(lines.last == "")
    #expect(text.contains("\"no calls, \"\"none\"\"\""))
    #expect(text.contains("\"run, 1\",storm/sheaves"))
    // Of sheaves 8 results, of its control, glibc and null (twice) 9, one in the dropped block.
    // Derived values and percentiles of the calls 17, raw 12; the failed and the two skipped samples have one row each.
    #expect(lines.count == 2 + 29 * (8 + 5 * 9) + 3)
    #expect(text.contains(",sheaves,sheaves handler=empty,storm,"))
  }

  @Test(
    "result.json is valid by its schema, and a broken one is not",
    .enabled(if: SchemaCheck.problem == nil, "python3 with jsonschema is not installed"))
  func schema() throws {
    let text = try JSONReport.render(try example().result)
    func complaints(_ text: String) throws -> String {
      try SchemaCheck.complaints("result", text: text)
    }
    #expect(try complaints(text) == "")
    #expect(try complaints(text.replacing("\"n\" : 8", with: "\"n\" : -1")) != "")
    #expect(try complaints(text.replacing("\"reason\" : null", with: "\"reasn\" : null")) != "")
    #expect(
      try complaints(text.replacing("\"source\" : \"clock\"", with: "\"source\" : \"x\"")) != "")
  }
}
