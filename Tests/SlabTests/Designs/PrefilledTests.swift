import CNolock
import CPlatform
import Testing

extension AllocatorTests {
  /// Prefilled sheaves: n objects that cannot fail.
  @Suite(.serialized) struct Prefilled {
    @safe struct Handle {
      let subject: Subject
      var sheaf: OpaquePointer?
      init(_ subject: Subject, _ size: Int, gfp: UInt32 = 0, _ count: Int) {
        self.subject = subject
        unsafe sheaf = subject.ops.pointee.prefill(size, gfp, count)
      }
      var exists: Bool { unsafe sheaf != nil }
      var size: Int { unsafe subject.ops.pointee.sheaf_size(sheaf!) }
      func allocate(_ gfp: UInt32 = 0) -> UInt {
        unsafe UInt(bitPattern: subject.ops.pointee.alloc_from_sheaf(sheaf!, gfp))
      }
      mutating func refill(_ count: Int) -> Int32 {
        unsafe subject.ops.pointee.refill_sheaf(&sheaf, count)
      }
      func giveBack() { unsafe subject.ops.pointee.return_sheaf(sheaf) }
    }

    @Test(arguments: Subject.all, [1, 12, 13, 1000])
    func asManyAsAskedFor(_ subject: Subject, count: Int) {
      var handle = Handle(subject, 1024, count)
      #expect(handle.size >= count)
      var objects: [UInt] = []
      while handle.size > 0 { objects.append(handle.allocate(NOLOCK_GFP_ZERO.rawValue)) }
      #expect(handle.allocate() == 0 && handle.size == 0)
      #expect(Set(objects).count >= count && !objects.contains(0))
      #expect(objects.allSatisfy { subject.isFilled($0, 1024, with: 0) })
      #expect(handle.refill(count) == 0)
      #expect(handle.size >= count)
      #expect(handle.refill(count + 100) == 0)
      #expect(handle.size >= count + 100)
      handle.giveBack()
      for object in objects { subject.kfree(object) }
      #expect(subject.live == 0)
    }

    /// With the line, list_lock, the zone and the memory all unavailable.
    @Test func nothingMakesItFail() {
      let subject = Subject.sheaves
      onNewThread {
        let handle = Handle(subject, 64, 40)
        let vcpu = unsafe nl_get_vcpu_sheaves()
        let line = unsafe nl_vcpu_at_line(vcpu, Int(NL_LINE_FIRST.rawValue) + 3)
        let cache = unsafe nl_instance_at_cache(nl_get_instance_sheaves(), 3)
        unsafe nl_line_set_lock(line, 1)
        unsafe cache.pointee.node.list_lock.word = vcpu.pointee.tid
        #expect(subject.control("limit", 1) == 0)
        let objects = (0..<40).map { _ in handle.allocate() }
        unsafe cache.pointee.node.list_lock.word = 0
        unsafe nl_line_unlock(line)
        #expect(subject.control("limit", 0) == 0)
        #expect(Set(objects).count == 40 && !objects.contains(0))
        for object in objects { subject.kfree(object) }
        handle.giveBack()
      }
      #expect(subject.live == 0)
    }

    @Test func aQuotaIsExceededRatherThanFailed() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 64) == 0)
      let handle = Handle(subject, 64, gfp: NOLOCK_GFP_ACCOUNT.rawValue, 10)
      #expect(subject.statistics["quota_bytes_now"] == 0)
      let objects = (0..<10).map { _ in handle.allocate() }
      #expect(!objects.contains(0))
      #expect(subject.statistics["quota_bytes_now"] == 640)
      subject.bulkFree(objects)
      handle.giveBack()
      let s = subject.statistics
      #expect(s["quota_bytes_now"] == s["quota_stock_bytes_now"])
    }

    /// From the spare, else from the barn, else new; back as the spare, else to a barn with room,
    /// else to the slabs.
    @Test func theWaysOutAndBack() throws {
      let subject = try Subject.fresh()
      subject.kfree(subject.kmalloc(1024))  // a main, and no spare
      let made = Handle(subject, 1024, 5)
      let second = Handle(subject, 1024, 5)
      let out = subject.moved {
        made.giveBack()  // the spare
        second.giveBack()  // the barn
      }
      #expect(out["return_fast"] == 1 && out["return_slow"] == 1)
      let again = subject.moved {
        let fromSpare = Handle(subject, 1024, 12)
        let fromBarn = Handle(subject, 1024, 12)
        #expect(fromSpare.size == 12 && fromBarn.size == 12)
        fromSpare.giveBack()
        fromBarn.giveBack()
      }
      #expect(again["prefill_fast"] == 1 && again["prefill_slow"] == 1)
      #expect(again["sheaf_alloc"] == nil)
      // A barn that is full takes no more.
      let handles = (0..<14).map { _ in Handle(subject, 1024, 1) }
      let back = subject.moved { for handle in handles { handle.giveBack() } }
      #expect(back["return_fast"] == 1 && back["return_slow"] == 13)
      #expect(back["sheaf_free", default: 0] == 3)
      #expect(subject.live == 0)
    }

    @Test func whatCannotBeIsRefused() throws {
      let subject = try Subject.fresh()
      #expect(!Handle(subject, 8193, 1).exists)
      #expect(!Handle(subject, 0, 1).exists)
      #expect(!Handle(subject, 64, gfp: 4, 1).exists)
      #expect(!Handle(subject, 64, 1 << 20).exists)
      var none = Handle(subject, 8193, 1)
      #expect(none.refill(1) == -22)
      #expect(subject.control("limit", 64 * 4096) == 0)
      var handle = Handle(subject, 4096, 4)
      #expect(handle.refill(1000) == -12)
      #expect(handle.size == 4)
      handle.giveBack()
      #expect(subject.live == 0)
    }
  }
}
