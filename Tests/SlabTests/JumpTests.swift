import TestSupport
import Testing

/// A thread that leaves a call by siglongjmp, at one instruction after the other of calls that take
/// locks of all threads (Fixtures/jump.c): degrades, never hangs.
@Suite(.serialized) struct JumpTests {
  private func jump(_ design: String, every: Int, flags: [String] = []) throws -> (
    status: Int32, text: String
  ) {
    let program = try TestObjects.program("Tests/SlabTests/Fixtures/jump.c")
    let object = try TestObjects.build(design, flags: flags)
    return try Command.run([program, object, "\(every)"])
  }

  /// `every` is prime to the calls' lengths; scripts/soak leaves out none.
  @Test(arguments: [("sheaves", 61, 9), ("heap", 401, 9), ("cpuslab", 61, 4), ("tiny", 31, 4)])
  func everybodyGoesOn(design: String, every: Int, paths: Int) throws {
    let result = try jump(design, every: every)
    #expect(result.status == 0, "\(result.text)")
    let lines = result.text.split(separator: "\n").filter { $0.contains(" jumps, ") }
    #expect(lines.count == paths, "\(result.text)")
    // Some of the jumps met a lock that others need.
    #expect(lines.contains { !$0.contains(" 0 left a lock") }, "\(result.text)")
  }

  @Test func aLockLeftForEverIsNoticed() throws {
    let result = try jump("sheaves", every: 29, flags: ["NOLOCK_BROKEN_LEFT_LOCKS"])
    #expect(result.status == 1, "\(result.text)")
    #expect(result.text.contains("hung or died (status 14)"), "\(result.text)")
  }
}
