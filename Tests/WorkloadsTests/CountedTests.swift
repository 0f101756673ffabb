import CRecords
import Testing

/// A counted sample gives one number, the same in each of its calls and in each process.
@Suite struct CountedTests {
  @Test(arguments: ["sheaves", "heap"])
  func aThousandCallsCountTheSame(subject: String) throws {
    let first = try sample(entry(subject, NL_PAIR) { $0.counted = 1 })
    #expect(first.status == NL_OK, "\(first.reason)")
    #expect(first["step_repeats"] == 1000)
    #expect(first["step_distinct"] == 1)
    #expect(try #require(first["step_instructions_per_kmalloc"]) > 10)
    #expect(first["step_instructions_per_kmalloc"]! <= first["step_traps_per_kmalloc"]!)
    #expect(try sample(entry(subject, NL_PAIR) { $0.counted = 1 }).metrics == first.metrics)
  }

  /// `xor %eax,%eax`-like and `ret`: known beforehand.
  @Test func nullIsCountedToTheInstruction() throws {
    let sample = try sample(entry("null", NL_PAIR) { $0.counted = 1 })
    #expect(sample["step_instructions_per_kmalloc"] == 2)
    #expect(sample["step_instructions_per_kfree"] == 1)
  }
}
