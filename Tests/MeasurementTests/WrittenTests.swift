import Foundation
import Testing

@testable import Measurement

/// JSON byte for byte: others read it, and what is not known must be there as `null`.
@Suite("JSON as it is written")
struct WrittenTests {
  private func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Written as `expected`, and read back as the same.
  private func check<T: Codable>(_ value: T, _ expected: String) throws {
    #expect(try text(value) == expected)
    #expect(try text(JSONDecoder().decode(T.self, from: Data(expected.utf8))) == expected)
  }

  @Test("a trial of survival, dead and alive")
  func trial() throws {
    var trial = SurvivalTrial(
      subject: "heap", setting: "t10k/pair/pair", trial: 2, outcome: .crash, signals: 3,
      operations: 4, nulls: 5, handlerNanoseconds: nil, handlerCalls: 2, pairPicoseconds: 3500,
      sideBySide: 1, seconds: 0.5, detail: "SIGSEGV")
    let rest = """
      "nulls":5,"operations":4,"outcome":"%","pair_ps":3500,"seconds":0.5,\
      "setting":"t10k/pair/pair","side_by_side":1,"signals":3,"subject":"heap","trial":2}
      """
    try check(
      trial,
      "{\"detail\":\"SIGSEGV\",\"handler_calls\":2,\"handler_ns\":null,"
        + rest.replacing("%", with: "crash"))
    (trial.outcome, trial.handlerNanoseconds, trial.detail) = (.ok, 81, nil)
    try check(
      trial,
      "{\"detail\":null,\"handler_calls\":2,\"handler_ns\":81,"
        + rest.replacing("%", with: "ok"))
  }

  @Test("an exact count with and without the processor's")
  func exactCount() throws {
    func exact(_ metrics: [Metric]) throws -> ExactCount {
      let step = Metric(name: "step_instructions", value: 50, source: .step)
      return try #require(
        ExactCount(
          SampleRecord(
            status: .ok, reason: "", metrics: [step] + metrics, buckets: [], errors: [:])))
    }
    try check(
      try exact([]),
      """
      {"difference":null,"event-enabled":null,"event-runtime":null,"note":null,\
      "pmu_instructions":null,"reason":"the sample says nothing of it","source":"pmu.read",\
      "step_instructions":50}
      """)
    var counted = try exact([
      Metric(name: "pmu_instructions", value: 47, source: .pmuRdpmc),
      Metric(name: "pmu_instructions.enabled_ns", value: 9, source: .pmuRdpmc),
      Metric(name: "pmu_instructions.running_ns", value: 8, source: .pmuRdpmc),
    ])
    // By the processor's make.
    counted.note = nil
    try check(
      counted,
      """
      {"difference":-3,"event-enabled":9,"event-runtime":8,"note":null,"pmu_instructions":47,\
      "reason":null,"source":"pmu.rdpmc","step_instructions":50}
      """)
  }

  @Test("a fact, known and not")
  func fact() throws {
    try check(Fact.known("6.18"), #"{"reason":null,"value":"6.18"}"#)
    try check(Fact.unknown("no file"), #"{"reason":"no file","value":null}"#)
  }

  @Test("a sample; what is only of a counted one is left away")
  func sample() throws {
    let sample = Sample(
      cell: "c", hash: "h", block: 1, position: 0, attempt: 0, seed: 7, status: .ok, reason: nil,
      signal: nil, startedAt: 2, processNanoseconds: 3, metrics: [], latency: [])
    try check(
      sample,
      """
      {"attempt":0,"block":1,"cell":"c","counters":[],"handler_latency_ns":[],"hash":"h",\
      "inside_latency_ns":[],"intended_latency_ns":[],"metrics":[],"position":0,"process_ns":3,\
      "reason":null,"schema":1,"seed":7,"signal":null,"started_at_s":2,"status":"ok"}
      """)
  }
}
