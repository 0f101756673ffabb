import CNolock
import Testing

extension AllocatorTests {
  /// What the entry points promise, in one thread (kernel-reference §1.3, §1.4).
  @Suite(.serialized) struct Semantics {
    static let zero = NOLOCK_GFP_ZERO.rawValue
    static let account = NOLOCK_GFP_ACCOUNT.rawValue

    @Test(arguments: Subject.all)
    func everySizeHasItsBucketAndItsAlignment(_ subject: Subject) {
      var wrong = 0
      for size in 1...8192 {
        let bucket = BucketsTests.sizes.first { $0 >= size }!
        for object in [subject.kmalloc(size), subject.kmallocNolock(size)] {
          if subject.ksize(object) != bucket { wrong += 1 }
          // Powers of two to their size, 96 and 192 to their largest power of two.
          if object == 0 || object % UInt(bucket & -bucket) != 0 { wrong += 1 }
          subject.kfree(object)
        }
      }
      #expect(wrong == 0)
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.all)
    func sizeZeroIsNotNullAndFreesAsNothing(_ subject: Subject) {
      let moved = subject.moved {
        for object in [subject.kmalloc(0), subject.kmallocNolock(0)] {
          #expect(object == 16)
          subject.kfree(object)
          subject.kfreeNolock(object)
        }
        subject.kfree(0)
        subject.kfreeNolock(0)
      }
      #expect(moved == [:])
    }

    @Test(arguments: Subject.all, [8, 64, 8192, 10_000])
    func unknownFlagsAreRefused(_ subject: Subject, size: Int) {
      #expect(subject.kmalloc(size, gfp: 8) == 0)
      #expect(subject.kmallocNolock(size, gfp: 0x8000_0001) == 0)
    }

    /// Only the design of that name knows it.
    @Test func theNolockFlag() {
      let flag = NOLOCK_GFP_NOLOCK.rawValue
      #expect(Subject.sheaves.kmalloc(64, gfp: flag) == 0)
      let object = Subject.gfpflag.kmalloc(64, gfp: flag)
      #expect(Subject.gfpflag.ksize(object) == 64)
      Subject.gfpflag.kfree(object)
    }

    @Test(arguments: Subject.all, [Int32(0), 1, 1000])
    func aNodeIsAPreference(_ subject: Subject, node: Int32) {
      for object in [subject.kmalloc(64, node: node), subject.kmallocNolock(64, node: node)] {
        #expect(subject.ksize(object) == 64)
        subject.kfree(object)
      }
    }

    @Test(arguments: Subject.all, BucketsTests.sizes)
    func zeroClearsTheWholeBucket(_ subject: Subject, size: Int) {
      let dirty = (0..<40).map { _ in subject.kmalloc(size) }
      for object in dirty {
        subject.fill(object, size, with: 0xa5)
        subject.kfree(object)
      }
      let wanted = size - min(size - 1, 7)
      let clean = (0..<40).map {
        $0 % 2 == 0
          ? subject.kmalloc(wanted, gfp: Self.zero) : subject.kmallocNolock(wanted, gfp: Self.zero)
      }
      // Else the test would show nothing.
      #expect(!Set(clean).isDisjoint(with: dirty))
      for object in clean {
        #expect(subject.isFilled(object, size, with: 0))
        subject.kfree(object)
      }
    }

    @Test(arguments: Subject.all)
    func accountedObjectsHaveTheirOwnPages(_ subject: Subject) {
      let plain = (0..<200).map { _ in subject.kmalloc(64) }
      let accounted = (0..<200).map { _ in subject.kmallocNolock(64, gfp: Self.account) }
      #expect(Set(plain.map { $0 >> 12 }).isDisjoint(with: accounted.map { $0 >> 12 }))
      for object in plain + accounted { subject.kfree(object) }
    }

    @Test(arguments: Subject.all)
    func aboveTheLargestBucketComeWholePages(_ subject: Subject) {
      for (size, pages) in [(8193, 4), (16384, 4), (16385, 8), (1 << 20, 256), (4 << 20, 1024)] {
        #expect(subject.kmallocNolock(size) == 0)
        let object = subject.kmalloc(size, gfp: Self.zero)
        #expect(object != 0 && object % UInt(pages * 4096) == 0)
        #expect(subject.ksize(object) == pages * 4096)
        #expect(subject.isFilled(object, size, with: 0))
        subject.fill(object, size, with: 1)
        #expect(subject.moved { subject.kfree(object) }["free_large"] == 1)
        #expect(subject.ksize(object) == 0)
      }
      #expect(subject.kmalloc((4 << 20) + 1) == 0)
      #expect(subject.kmalloc(-1) == 0)
    }

    @Test(arguments: Subject.all)
    func wholePagesFreedByTheNolockCallAreLeakedAndCounted(_ subject: Subject) {
      let object = subject.kmalloc(10_000)
      #expect(subject.moved { subject.kfreeNolock(object) } == ["large_leaked": 1])
      #expect(subject.ksize(object) == 16384)
      subject.kfree(object)
    }

    @Test func foreignPointersAreCountedAndLeftAlone() {
      let other = Subject.heap.kmalloc(64)
      let interior = Subject.sheaves.kmalloc(10_000)
      let moved = Subject.sheaves.moved {
        Subject.sheaves.kfree(other)
        Subject.sheaves.kfreeNolock(other)
        Subject.sheaves.kfree(interior + 4096)
        Subject.sheaves.kfree(interior + 8)
      }
      #expect(moved == ["bad_free": 4])
      #expect(Subject.heap.ksize(other) == 64)
      Subject.heap.kfree(other)
      Subject.sheaves.kfree(interior)
    }

    @Test(arguments: Subject.all)
    func liveObjectsNeverOverlap(_ subject: Subject) {
      let objects = (0..<3000).map { turn in
        let size = 1 + turn * 37 % 8192
        return turn % 3 == 0 ? subject.kmallocNolock(size) : subject.kmalloc(size)
      }
      #expect(!objects.contains(0))
      let sorted = objects.sorted()
      let overlaps = zip(sorted, sorted.dropFirst()).filter { $0 + UInt(subject.ksize($0)) > $1 }
      #expect(overlaps.isEmpty)
      for object in objects { subject.kfree(object) }
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.all)
    func unknownControlsAreRefused(_ subject: Subject) {
      #expect(subject.control("colour", 1) == -1)
      #expect(subject.control("limit2", 1) == -1)
      #expect(subject.control("worker", 2) == -1)
    }
  }
}
