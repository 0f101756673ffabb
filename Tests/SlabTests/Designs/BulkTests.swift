import CNolock
import Testing

extension AllocatorTests {
  /// Bulk calls, shrink and flush.
  @Suite(.serialized) struct Bulk {
    @Test(arguments: Subject.all, [1, 7, 60, 1000])
    func allOfThemOrNone(_ subject: Subject, count: Int) {
      let moved = subject.moved {
        let objects = subject.bulkAllocate(96, gfp: NOLOCK_GFP_ZERO.rawValue, count)
        #expect(Set(objects).count == count)
        for object in objects {
          #expect(subject.ksize(object) == 96 && subject.isFilled(object, 96, with: 0))
          subject.fill(object, 96, with: 0xff)
        }
        subject.bulkFree(objects)
      }
      let allocated = moved["alloc_fast", default: 0] + moved["alloc_slow", default: 0]
      let freed = moved["free_fast", default: 0] + moved["free_slow", default: 0]
      #expect(allocated == count && freed == count)
      #expect(subject.bulkAllocate(0, 3) == [])
      #expect(subject.bulkAllocate(8193, 3) == [])
      #expect(subject.bulkAllocate(64, gfp: 4, 3) == [])
    }

    /// Whole sheaves travel: main, spare and barn serve before any slab.
    @Test func sheavesServeFirst() throws {
      let subject = try Subject.fresh()
      let first = (0..<600).map { _ in subject.kmalloc(64) }
      for object in first { subject.kfree(object) }
      let moved = subject.moved { subject.bulkFree(subject.bulkAllocate(64, 300)) }
      #expect(moved["alloc_fast"] == 300)
      #expect(moved["alloc_slow"] == nil)
      #expect(moved["barn_get", default: 0] >= 2)
      #expect(moved["free_fast", default: 0] >= 240)
      #expect(subject.live == 0)
    }

    @Test func anythingMayBeFreedTogether() throws {
      let subject = try Subject.fresh()
      var objects: [UInt] = [0, 16, subject.kmalloc(20_000), 0]
      for i in 0..<500 { objects.append(subject.kmalloc(1 + i * 37 % 8192, gfp: UInt32(i & 2))) }
      subject.bulkFree(objects.shuffled())
      #expect(subject.live == 0)
      #expect(subject.statistics["bad_free"] == 0)
    }

    /// Without memory nothing is kept.
    @Test func aFailureGivesBackWhatItGot() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("limit", 40 * 4096) == 0)
      #expect(subject.bulkAllocate(4096, 200) == [])
      #expect(subject.live == 0)
      #expect(subject.bulkAllocate(4096, 10).count == 10)
    }

    @Test func shrinkReturnsWhatBarnsAndEmptySlabsHold() throws {
      let subject = try Subject.fresh()
      _ = subject.control("worker", 0)
      let objects = (0..<3000).map { _ in subject.kmalloc(512) }
      // One object in 64 stays, so that slabs of all fillings are left.
      let kept = objects.enumerated().filter { $0.0 % 64 == 0 }.map(\.1)
      for (i, object) in objects.enumerated() where i % 64 != 0 { subject.kfree(object) }
      subject.threadDetach()
      let moved = subject.moved { _ = subject.shrink() }
      #expect(moved["sheaf_free", default: 0] > 0)
      #expect(moved["slab_free", default: 0] > 0)
      let sheaves = subject.statistics
      #expect(sheaves["sheaf_alloc"] == sheaves["sheaf_free"])
      for object in kept { subject.kfree(object) }
      subject.threadDetach()
      #expect(subject.shrink() == 0)
      #expect(subject.statistics["slab_alloc"] == subject.statistics["slab_free"])
    }

    /// After a shrink the fullest slab is used first.
    @Test func shrinkSortsPartialSlabs() throws {
      let subject = try Subject.fresh()
      _ = subject.control("worker", 0)
      let objects = subject.bulkAllocate(2048, 400)
      let slab = { (object: UInt) in object / 32768 }
      let slabs = Dictionary(grouping: objects, by: slab).values.filter { $0.count == 16 }
      let emptier = slabs[slabs.startIndex].prefix(14)
      let fuller = slabs[slabs.index(after: slabs.startIndex)].prefix(2)
      subject.bulkFree(Array(emptier) + Array(fuller))
      subject.threadDetach()
      _ = subject.shrink()
      let next = subject.kmallocNolock(2048)
      #expect(slab(next) == slab(fuller.first!))
    }
  }
}
