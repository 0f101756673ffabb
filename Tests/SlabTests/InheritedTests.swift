import TestSupport
import Testing

extension AllocatorTests {
  /// What others inherit of a thread that left a call by siglongjmp and ended, or that vanished in a
  /// fork (Fixtures/inherited.c).
  @Suite struct Inherited {
    private func run(
      _ design: String, _ words: [String], flags: [String] = []
    ) throws -> (status: Int32, text: String) {
      let program = try TestObjects.program("Tests/SlabTests/Fixtures/inherited.c")
      return try Command.run([program, TestObjects.build(design, flags: flags)] + words)
    }

    /// Such a thread has no exit hook: the worker finds it dead.
    @Test(arguments: ["heap", "tiny"])
    func theWorkerReleasesWhatAnEndedThreadLeft(design: String) throws {
      let result = try run(design, ["ends", "11"])
      #expect(result.status == 0, "\(result.text)")
    }

    @Test func theNextThreadsDeferredFreesAreDrained() throws {
      let result = try run("heap", ["drain"], flags: ["NOLOCK_PROBES"])
      #expect(result.status == 0, "\(result.text)")
    }

    @Test func aChildUsesItsSlabsAgain() throws {
      let result = try run("tiny", ["fork"], flags: ["NOLOCK_PROBES"])
      #expect(result.status == 0, "\(result.text)")
    }

    /// Its child goes on with the drain, and the child's worker must keep off it.
    @Test func aForkInADrainFreesNothingTwice() throws {
      let result = try run("heap", ["fork-in-drain", "397"], flags: ["NOLOCK_PROBES"])
      #expect(result.status == 0, "\(result.text)")
    }

    @Test(arguments: [
      ("tiny", ["ends", "3"], ["NOLOCK_BROKEN_LEFT_LOCKS"]),
      ("heap", ["drain"], ["NOLOCK_BROKEN_LEFT_LOCKS", "NOLOCK_PROBES"]),
      ("tiny", ["fork"], ["NOLOCK_BROKEN_GIVEN_UP", "NOLOCK_PROBES"]),
    ])
    func theBrokenTwinsAreCaught(design: String, words: [String], flags: [String]) throws {
      let result = try run(design, words, flags: flags)
      #expect(result.status == 1, "\(result.text)")
    }
  }
}
