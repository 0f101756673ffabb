import CNolock
import Testing

extension AllocatorTests {
  /// Simulated NUMA nodes: where objects come from, and that remote ones never enter a sheaf.
  @Suite(.serialized) struct Nodes {
    private func twoNodes() throws -> Subject {
      let subject = try Subject.fresh()
      try #require(subject.control("nodes", 2) == 0)
      return subject
    }

    @Test func theyAreSetBeforeTheFirstAllocation() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("nodes", 0) == -1)
      #expect(subject.control("nodes", 5) == -1)
      #expect(subject.control("nodes", 4) == 0)
      #expect(subject.control("node", 4) == -1)
      #expect(subject.control("node", 3) == 0)
      subject.kfree(subject.kmalloc(64))
      #expect(subject.control("nodes", 2) == -1)
    }

    /// Frees of another node's objects: to the slab, or deferred; the sheaf does not see them.
    @Test func remoteObjectsNeverEnterASheaf() throws {
      let subject = try twoNodes()
      let here = (0..<500).map { _ in subject.kmalloc(64) }
      var there: [UInt] = []
      onNewThread {
        #expect(subject.control("node", 1) == 0)
        there = (0..<500).map { _ in subject.kmallocNolock(64) }
        let moved = subject.moved {
          for object in here[..<250] { subject.kfree(object) }
        }
        #expect(moved["free_remote"] == 250 && moved["free_slow"] == 250)
        #expect(moved["free_fast"] == nil)
        let deferred = subject.moved {
          for object in here[250...] { subject.kfreeNolock(object) }
        }
        #expect(deferred["free_remote"] == 250 && deferred["free_deferred"] == 250)
        // Nothing of node 0 comes back on node 1.
        let again = (0..<500).map { _ in subject.kmalloc(64) }
        #expect(Set(again).isDisjoint(with: here))
        for object in again { subject.kfree(object) }
      }
      let low = here.max()!
      #expect(there.allSatisfy { $0 > low })
      for object in there { subject.kfree(object) }
      subject.barrier()
      #expect(subject.live == 0)
    }

    @Test func aNodeIsAPreferenceThatIsTriedFirst() throws {
      let subject = try twoNodes()
      let here = subject.kmalloc(64)
      let moved = subject.moved {
        for turn in 0..<40 {
          let gfp = UInt32(turn % 4)  // all flags: none may lose the node
          let object =
            turn % 8 < 4
            ? subject.kmalloc(64, gfp: gfp, node: 1) : subject.kmallocNolock(64, gfp: gfp, node: 1)
          #expect(object > here + 1 << 20)
          subject.kfree(object)
        }
      }
      #expect(moved["node_mismatch"] == 40)
      #expect(moved["free_remote"] == 40)
      subject.kfree(here)
      #expect(subject.live == 0)
    }

    /// A thread that moves leaves its sheaves behind.
    @Test func movingEmptiesTheCaches() throws {
      let subject = try twoNodes()
      let first = (0..<10).map { _ in subject.kmalloc(64) }
      for object in first { subject.kfree(object) }
      #expect(subject.control("node", 1) == 0)
      let second = (0..<100).map { _ in subject.kmalloc(64) }
      #expect(Set(second).isDisjoint(with: first))
      #expect(second.min()! > first.max()!)
      subject.bulkFree(second)
      #expect(subject.control("node", 0) == 0)
      #expect(subject.live == 0)
    }

    /// kernel-reference §4.5: lost local objects when the batch of remote objects filled up
    /// (af9ea231c0b4).
    @Test func defectBulkFreeLostLocalObjects() throws {
      func lost(_ subject: Subject) -> Int {
        #expect(subject.control("nodes", 2) == 0)
        let local = (0..<10).map { _ in subject.kmalloc(64) }
        let remote = (0..<32).map { _ in subject.kmalloc(64, node: 1) }
        subject.bulkFree(local + remote)
        return subject.live
      }
      #expect(try lost(Subject.fresh()) == 0)
      let broken = try Subject.fresh(flags: ["NOLOCK_BROKEN_BULK_REMOTE"])
      #expect(lost(broken) == 10)
    }

    /// With the own node's partial lists empty and many slabs on the other's, a look there comes
    /// before a new slab.
    @Test func otherNodesPartialSlabsAreUsed() throws {
      let subject = try twoNodes()
      _ = subject.control("worker", 0)
      let many = (0..<1000).map { _ in subject.kmalloc(8192, node: 1) }
      for (i, object) in many.enumerated() where i % 2 == 0 { subject.kfree(object) }
      // Nolock calls take from slabs one by one: they never refill a sheaf.
      let moved = subject.moved {
        let objects = (0..<100).map { _ in subject.kmallocNolock(8192) }
        // Two objects per look; about one look in 43 is refused, for a new slab of four objects.
        #expect(objects.filter { $0 >= many.min()! }.count > 50)
        for object in objects { subject.kfree(object) }
      }
      #expect(moved["alloc_slow"] == 100)
      for (i, object) in many.enumerated() where i % 2 == 1 { subject.kfree(object) }
      #expect(subject.live == 0)
    }
  }
}
