import CNolock
import Testing

// The kernel: one of the paths that make a slab did not count it.

extension AllocatorTests.Defects {
  enum Path: String, CaseIterable {
    case ordinary, nolock, bulk, prefill, otherNode, accounted, checked
  }

  /// Objects of 8192 bytes, four to a slab of 32 KiB.
  @Test(arguments: Path.allCases)
  func aNewSlabIsNotCounted(_ path: Path) throws {
    let subject =
      try path == .checked
      ? Subject.fresh("sheaves+debug") : Subject.fresh()
    try #require(subject.control("worker", 0) == 0)
    if path == .otherNode { try #require(subject.control("nodes", 2) == 0) }
    onNewThread {
      var objects: [UInt] = []
      let moved = subject.moved {
        switch path {
        case .ordinary, .checked: objects = (0..<400).map { _ in subject.kmalloc(8192) }
        case .nolock: objects = (0..<40).map { _ in subject.kmallocNolock(8192) }
        case .bulk: objects = subject.bulkAllocate(8192, 400)
        case .prefill:
          var sheaf = unsafe subject.ops.pointee.prefill(8192, 0, 400)
          for _ in 0..<400 {
            objects.append(
              unsafe UInt(bitPattern: subject.ops.pointee.alloc_from_sheaf(sheaf, 0)))
          }
          unsafe subject.ops.pointee.return_sheaf(sheaf)
          unsafe sheaf = nil
        case .otherNode: objects = (0..<400).map { _ in subject.kmalloc(8192, node: 1) }
        case .accounted:
          objects = (0..<400).map { _ in
            subject.kmalloc(8192, gfp: NOLOCK_GFP_ACCOUNT.rawValue)
          }
        }
      }
      objects.removeAll { $0 == 0 }
      #expect(objects.count >= 40)
      let slabs = Set(objects.map { $0 / 32768 }).count
      // Slabs of sheaves, and one of objects that stand in sheaves, besides.
      #expect(moved["slab_alloc", default: 0] >= slabs)
      #expect(moved["slab_alloc", default: 0] <= slabs + 6)
      for object in objects { subject.kfree(object) }
    }
    subject.barrier()
    #expect(subject.live == 0)
    subject.flush()
    #expect(subject.shrink() == 0)
    let s = subject.statistics
    #expect(s["slab_alloc"] == s["slab_free"])
    #expect(s["slab_alloc"]! > 0)
  }
}
