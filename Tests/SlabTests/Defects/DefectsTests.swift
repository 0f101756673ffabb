import CNolock
import Slab
import Testing

// kernel-reference §4.5: the defects found in and around the kernel's nolock calls, each as a test
// named after it.  Some stand with the part that they are about:
//
//   a failed charge frees by spinning        Quota.defectAFailedChargeFreesBySpinning
//   lost local objects of a bulk free        Nodes.defectBulkFreeLostLocalObjects
//   false "Freepointer corrupt"              Checks.defectFalseFreepointerCorrupt
//   no double-word exchange: always NULL     SlabWords.nolockAllocationsReturnNull
//   RT needed a preemptible context          PreemptRT.theDeclaredContextDecides
//
// and these cannot exist here:
//
//   "may block" asked instead of "may spin" after a failed refill: there is no flag for reclaim, and
//     the one question, `CallMode.waits`, is a type and not a value
//   object stride truncated on 64 KiB pages: pages have 4 KiB, and a stride is a machine word
//   cpuset's sequence counter: nodes are simulated, and a thread's node is a plain field of its vCPU
//   accounting's object-extension vectors, and kmemleak's objects, in the recursion row: a charge is
//     a number, and nothing tracks leaks

extension AllocatorTests {
  @Suite(.serialized) struct Defects {
    /// An unused instance with probe points; `broken` has the rules broken that these tests are
    /// about.
    static func probed(broken: Bool = false) throws -> Subject {
      let subject =
        try broken
        ? Subject.fresh(
          flags: ["NOLOCK_PROBES", "NOLOCK_BROKEN_ONE_WAITER", "NOLOCK_BROKEN_UP_TRYLOCK"])
        : Subject.fresh(flags: ["NOLOCK_PROBES"])
      try #require(subject.control("worker", 0) == 0)
      return subject
    }

    /// The kernel: kmalloc caches that share a bucket set up their sheaves once more, and the first
    /// ones leaked.
    @Test(arguments: Subject.withSheaves)
    func sheavesAreSetUpTwice(_ subject: Subject) {
      onNewThread {
        #expect(subject.threadAttach() == 0)
        let objects = BucketsTests.sizes.map { subject.kmalloc($0) }
        subject.bulkFree(objects)
        let moved = subject.moved {
          #expect(subject.threadAttach() == 0)
          #expect(unsafe Subject.again(subject.name) == subject.ops)
          let once = BucketsTests.sizes.map { subject.kmalloc($0) }
          #expect(Set(once).isSubset(of: objects))
          subject.bulkFree(once)
        }
        let made = ["attach", "sheaf_alloc", "slab_alloc", "sheaf_refill", "objects_refilled"]
        #expect(moved.filter { made.contains($0.key) } == [:])
      }
      #expect(subject.live == 0)
    }

    /// The kernel: a sheaf's memory came from a cache with sheaves of its own.  Here it is always
    /// an object of a slab, so that each bucket's first allocation makes one sheaf.
    @Test func sheavesOfSheaves() throws {
      let subject = try Subject.fresh()
      try #require(subject.control("worker", 0) == 0)
      let sizes = BucketsTests.sizes
      let buckets =
        sizes.map { (size: $0, gfp: UInt32(0)) }
        + sizes.map { (size: $0, gfp: NOLOCK_GFP_ACCOUNT.rawValue) }
      let moved = subject.moved {
        for (size, gfp) in buckets { #expect(subject.kmalloc(size, gfp: gfp) != 0) }
      }
      #expect(moved["sheaf_alloc"] == buckets.count)
      #expect(moved["sheaf_refill"] == buckets.count)
      #expect(moved["spare_swap"] == nil)
      // A slab each, and for the sheaves of the four sizes that sheaves have.
      #expect(moved["slab_alloc", default: 0] >= buckets.count)
      #expect(moved["slab_alloc", default: 0] <= buckets.count * 2 + 4)
    }

    /// The same seen from the sheaf's own bucket: what stands in its sheaf stays there.
    @Test func aSheafsMemoryNeverComesFromASheaf() throws {
      let subject = try Subject.fresh()
      try #require(subject.control("worker", 0) == 0)
      let cached = (0..<6).map { _ in subject.kmalloc(512) }
      subject.bulkFree(cached)
      let moved = subject.moved { #expect(subject.kmalloc(64) != 0) }
      // 60 pointers and a header: an object of 512 bytes.
      #expect(moved["sheaf_alloc"] == 1)
      #expect(moved["alloc_fast"] == 1 && moved["alloc_slow"] == nil)
      #expect(Set((0..<6).map { _ in subject.kmalloc(512) }) == Set(cached))
    }

    /// The kernel: a nolock free with a full main and spare made an empty sheaf.  Here, too, it
    /// defers; a sheaf is made only for a thread that has none yet, by trylocks.
    @Test func anEmptySheafIsMadeInANolockFree() throws {
      let subject = try Subject.fresh()
      try #require(subject.control("worker", 0) == 0)
      let objects = (0..<500).map { _ in subject.kmallocNolock(64) }
      #expect(Set(objects).count == 500)
      let first = subject.moved { subject.kfreeNolock(objects[0]) }
      #expect(first["sheaf_alloc"] == 1)
      let moved = subject.moved { for object in objects[1...] { subject.kfreeNolock(object) } }
      #expect(moved["sheaf_alloc"] == nil && moved["slab_alloc"] == nil)
      // Main, and no more.
      #expect(moved["free_fast"] == 59)
      #expect(moved["free_deferred"] == 440)
      subject.barrier()
      #expect(subject.live == 0)
    }
  }
}

extension Subject {
  /// The built-in design's table, asked for once more.
  static func again(_ name: String) -> UnsafePointer<nolock_ops>? {
    unsafe BuiltIn(rawValue: name)?.subject
  }
}
