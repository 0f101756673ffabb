import CNolock
import TestSupport
import Testing

extension AllocatorTests {
  /// memcg: accounted objects within a byte quota, with exact books.
  @Suite(.serialized) struct Quota {
    static let account = NOLOCK_GFP_ACCOUNT.rawValue

    private func books(_ subject: Subject) -> [Int] {
      let s = subject.statistics
      return [s["quota_bytes_now"]! - s["quota_stock_bytes_now"]!, s["quota_fail"]!]
    }

    @Test func itIsExactToTheByte() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 100 * 64) == 0)
      var objects: [UInt] = []
      for turn in 0..<120 {
        let object =
          turn % 2 == 0
          ? subject.kmalloc(64, gfp: Self.account) : subject.kmallocNolock(64, gfp: Self.account)
        if object != 0 { objects.append(object) }
      }
      #expect(objects.count == 100)
      #expect(books(subject) == [6400, 20])
      // The refused ones are free again, and what is not accounted is not refused.
      #expect(subject.live == 100)
      let plain = subject.kmalloc(64)
      #expect(plain != 0)
      subject.kfree(plain)
      for (i, object) in objects.enumerated() {
        i % 3 == 0 ? subject.kfreeNolock(object) : subject.kfree(object)
      }
      subject.barrier()
      #expect(books(subject) == [0, 20])
      #expect(subject.live == 0)
    }

    @Test func bulkAndLargeObjectsAreCharged() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 100_000) == 0)
      let large = subject.kmalloc(10_000, gfp: Self.account)
      #expect(books(subject) == [16_384, 0])
      #expect(subject.bulkAllocate(1024, gfp: Self.account, 82) == [])
      let many = subject.bulkAllocate(1024, gfp: Self.account, 81)
      #expect(many.count == 81)
      #expect(books(subject) == [16_384 + 81 * 1024, 1])
      #expect(subject.kmalloc(10_000, gfp: Self.account) == 0)
      subject.bulkFree(many + [large])
      #expect(books(subject) == [0, 2])
      #expect(subject.live == 0)
    }

    /// What is charged ahead belongs to the quota, and comes back: by a flush, and at exit.
    @Test func stocksAreDrained() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 1 << 20) == 0)
      onNewThread { subject.kfree(subject.kmalloc(64, gfp: Self.account)) }
      #expect(subject.statistics["quota_bytes_now"] == 0)

      subject.kfree(subject.kmalloc(64, gfp: Self.account))
      #expect(subject.statistics["quota_stock_bytes_now"]! > 64)
      subject.flush()
      #expect(subject.statistics["quota_bytes_now"] == 0)
    }

    @Test func itIsSetBeforeTheFirstAllocationAndChangedAtAnyTime() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 0) == -1)
      let used = try Subject.fresh()
      used.kfree(used.kmalloc(64))
      #expect(used.control("quota", 1000) == -1)
      #expect(subject.control("quota", 64) == 0)
      let first = subject.kmalloc(64, gfp: Self.account)
      #expect(subject.kmalloc(64, gfp: Self.account) == 0)
      #expect(subject.control("quota", 128) == 0)
      let second = subject.kmalloc(64, gfp: Self.account)
      #expect(first != 0 && second != 0)
      // Below what is in use nothing more is to be had, and nothing is taken away.
      #expect(subject.control("quota", 64) == 0)
      subject.kfree(first)
      #expect(books(subject)[0] == 64)
      subject.kfree(second)
    }

    /// kernel-reference §4.5, first row: memcg_alloc_abort_single() takes the way that waits.
    @Test(.enabled(if: ObjectCode.hasObjdump, "objdump (Debian package binutils) is not installed"))
    func defectAFailedChargeFreesBySpinning() throws {
      func waits(_ flags: [String]) throws -> Bool {
        let object = try TestObjects.build(flags: flags)
        let code = try #require(ObjectCode(of: object))
        return code.reachable(from: ["nl_sheaves_kmalloc_nolock"])
          .contains { $0.contains("acquireContended") }
      }
      #expect(try !waits([]))
      #expect(try waits(["NOLOCK_BROKEN_CHARGE_ABORT"]))
    }

    @Test func aFailedChargeInAnyContextIsDeferred() throws {
      let subject = try Subject.fresh()
      #expect(subject.control("quota", 1) == 0)
      subject.kfree(subject.kmalloc(64))
      let moved = subject.moved {
        #expect(subject.kmallocNolock(64, gfp: Self.account) == 0)
      }
      #expect(moved["free_deferred"] == 1)
      #expect(moved["free_slow"] == nil)
      subject.barrier()
      #expect(subject.live == 0)
    }
  }
}
