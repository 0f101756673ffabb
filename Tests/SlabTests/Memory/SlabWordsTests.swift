import CNolock
import CSweep
import Testing

extension AllocatorTests {
  /// Without a lock-free 128-bit compare-and-exchange, by a build that pretends so.
  @Suite(.serialized) struct SlabWords {
    @Test func nolockAllocationsReturnNull() throws {
      var built: Subject?
      let said = try StandardError.said {
        built = try Subject.fresh(flags: ["NOLOCK_NO_CAS128"])
      }
      let subject = try #require(built)
      #expect(
        said
          == "nolock: no lock-free 128-bit compare-and-exchange here: kmalloc_nolock() returns NULL\n"
      )
      let sound = unsafe try Subject.fresh().ops.pointee.capabilities
      #expect(
        unsafe subject.ops.pointee.capabilities == sound & ~UInt64(NOLOCK_CAP_ANY_CONTEXT.rawValue))

      let objects = (0..<1000).map { _ in subject.kmalloc(64) }
      for object in objects[500...] { subject.kfree(object) }
      // Though the sheaf has objects.
      for size in [1, 64, 8192] { #expect(subject.kmallocNolock(size) == 0) }
      // Deferred as ever.
      for object in objects[..<500] { subject.kfreeNolock(object) }
      subject.barrier()
      #expect(subject.live == 0)
    }

    /// Slab words change under a lock, then: threads exchange objects of all sizes.
    @Test func slabWordsAreGuarded() throws {
      let subject = try Subject.fresh(flags: ["NOLOCK_NO_CAS128"])
      #expect(unsafe sweep_exchange(subject.ops, 4, 30_000) == 0)
      subject.barrier()
      #expect(subject.live == 0)
    }
  }
}
