import Foundation
import Testing

@testable import Measurement

/// What a sample's record says of counters, and how it is written down.
@Suite("Counters of a sample")
struct CounterValueTests {
  private func record(_ metrics: [Metric], errors: [String: Int32] = [:]) -> SampleRecord {
    SampleRecord(status: .ok, reason: "", metrics: metrics, buckets: [], errors: errors)
  }

  private func json(_ value: some Encodable) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    return try #require(object as? [String: Any])
  }

  @Test("an exact count beside the processor's: the difference has a sign")
  func exact() throws {
    func exact(_ pmu: UInt64) throws -> ExactCount {
      try #require(
        ExactCount(
          record([
            Metric(name: "step_instructions", value: 47_000, source: .step),
            Metric(name: "pmu_instructions", value: pmu, source: .pmuRdpmc),
            Metric(name: "pmu_instructions.enabled_ns", value: 900, source: .pmuRdpmc),
            Metric(name: "pmu_instructions.running_ns", value: 900, source: .pmuRdpmc),
          ])))
    }
    #expect(try exact(47_000).difference == 0)
    #expect(try exact(47_012).difference == 12)
    #expect(try exact(46_990).difference == -10)
    let one = try exact(47_012)
    #expect(one.reason == nil && one.source == .pmuRdpmc && one.runningNanoseconds == 900)
    #expect(try json(one)["difference"] as? Int == 12)
    #expect(try JSONDecoder().decode(ExactCount.self, from: JSONEncoder().encode(one)) == one)
  }

  @Test("without a counter the value is null, with the reason")
  func exactWithoutPMU() throws {
    for (error, text) in [(ENOENT, "ENOENT: "), (EACCES, "EACCES: "), (ERANGE, "the empty loop")] {
      let exact = try #require(
        ExactCount(
          record(
            [
              Metric(name: "step_instructions", value: 47_000, source: .step),
              Metric(name: "pmu_instructions", value: 0, source: .pmuRead),
            ], errors: ["pmu_instructions": error])))
      #expect(exact.pmu == nil && exact.difference == nil)
      #expect(exact.reason?.hasPrefix(text) == true, "\(exact.reason ?? "")")
      let object = try json(exact)
      for key in ["pmu_instructions", "difference", "event-enabled", "event-runtime"] {
        #expect(object[key] is NSNull, "\(key)")
      }
    }
    #expect(ExactCount(record([Metric(name: "wall_ns", value: 1, source: .clock)])) == nil)
    let old = record([Metric(name: "step_instructions", value: 1, source: .step)])
    #expect(ExactCount(old)?.reason == "the sample says nothing of it")
  }

  @Test("each thread has its own value and times")
  func threads() throws {
    let plan = try CounterPlan(["task-clock"], place: "test")
    var metrics = [Metric(name: "counter.0", value: 30, source: .softwarePerf)]
    for (thread, value) in [10, 20].enumerated() as EnumeratedSequence<[UInt64]> {
      for (suffix, number) in [("", value), (".enabled_ns", 100), (".running_ns", 50 + value)] {
        metrics.append(
          Metric(name: "counter.0.\(thread)\(suffix)", value: number, source: .softwarePerf))
      }
    }
    let value = CounterValue(plan.events[0], "counter.0", metrics, [:])
    #expect(value.value == 30)
    #expect(value.threads.map(\.value) == [10, 20])
    #expect(value.threads.map(\.thread) == [0, 1])
    #expect(value.threads.map(\.runningNanoseconds) == [60, 70])
    let object = try json(value)
    let threads = try #require(object["threads"] as? [[String: Any]])
    #expect(threads.map { $0["counter-value"] as? Int } == [10, 20])
    #expect(threads[1]["event-enabled"] as? Int == 100)
    #expect(try JSONDecoder().decode(CounterValue.self, from: JSONEncoder().encode(value)) == value)
  }
}
