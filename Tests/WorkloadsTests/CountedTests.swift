import CRecords
import Testing

/// A counted sample gives one number, the same in each of its calls and in each process.
@Suite struct CountedTests {
  @Test(arguments: ["sheaves", "heap"])
  func aThousandCallsCountTheSame(subject: String) throws {
    let first = try sample(entry(subject, NL_PAIR, iterations: 1) { $0.counted = 1 })
    #expect(first.status == NL_OK, "\(first.reason)")
    #expect(first["step_repeats"] == 1000)
    #expect(first["step_distinct"] == 1)
    #expect(try #require(first["step_instructions_per_kmalloc"]) > 10)
    #expect(first["step_instructions_per_kmalloc"]! <= first["step_traps_per_kmalloc"]!)
    #expect(
      try sample(entry(subject, NL_PAIR, iterations: 1) { $0.counted = 1 }).metrics == first.metrics
    )
  }

  /// What a gate's plant rests on: exactly one instruction more in every call, no other change.
  @Test(arguments: [NL_PAIR, NL_BATCH, NL_CHURN])
  func aPlantedCallTakesOneInstructionMore(workload: nl_workload) throws {
    func run(_ dilation: Double) throws -> Sample {
      try sample(
        entry("sheaves", workload, iterations: 200) {
          $0.counted = 1
          $0.batch = 100
          $0.shuffled = 1
          $0.live = 100
          $0.dilation = dilation
          $0.dilation_chunk = 1
        })
    }
    let plain = try run(0)
    let again = try run(0)
    let planted = try run(1)
    #expect(plain.status == NL_OK, "\(plain.reason)")
    let count = try #require(plain["step_instructions"])
    #expect(plain["step_repeats"] == 200)
    #expect(again["step_instructions"] == count)
    #expect(planted["step_instructions"] == count + 400)
    for name in ["step_instructions_max_kmalloc", "step_instructions_max_kfree"] {
      #expect(planted[name] == plain[name].map { $0 + 1 })
    }
    #expect(planted["stat.alloc_fast"] == plain["stat.alloc_fast"])
    #expect((plain["stat.alloc_fast"] ?? 0) + (plain["stat.alloc_slow"] ?? 0) == 200)
  }

  /// `xor %eax,%eax`-like and `ret`: known beforehand.
  @Test func nullIsCountedToTheInstruction() throws {
    let sample = try sample(entry("null", NL_PAIR) { $0.counted = 1 })
    #expect(sample["step_instructions_per_kmalloc"] == 2)
    #expect(sample["step_instructions_per_kfree"] == 1)
  }
}
