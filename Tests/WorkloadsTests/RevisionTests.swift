import CNolock
import CRecords
import Foundation
import Subjects
import TestSupport
import Testing

/// The allocator as a shared object, and the calls of its table that no loop makes.
@Suite struct RevisionTests {
  /// scripts/build-subject needs a compiler, as a revision does wherever it is measured.
  @Test(arguments: ["sheaves", "heap"])
  func sharedObjectIsTheSameSubject(design: String) throws {
    let output = try TestObjects.build(design)
    for workload in [NL_PAIR, NL_STORM] {
      let sample = try sample(
        entry("rev:\(design)", workload, iterations: 5000) {
          set(&$0.object_path, output)
          $0.threads = 2
          if workload == NL_STORM {
            $0.irq = NL_IRQ_TIMER.rawValue
            $0.minimum_ns = 20_000_000
          }
        })
      #expect(sample.status == NL_OK, "\(sample.reason)")
      #expect(sample["allocated"] == sample["freed"])
      let fast = try #require(sample["stat.alloc_fast"])
      if workload == NL_PAIR {
        #expect(fast + sample["stat.alloc_slow"]! == 10_000)
      } else {
        #expect(sample["handler_attempts"]! > 0)
      }
    }
    // Embedded Swift mangles in its own way; a name of the source means the same function.
    let inside = try sample(
      entry("rev:\(design)", NL_BATCH, iterations: 20_000) {
        set(&$0.object_path, output)
        $0.irq = NL_IRQ_BREAKPOINT.rawValue
        $0.handler = NL_HANDLER_EMPTY.rawValue
        $0.batch = 1000
        set(&$0.irq_function, "Instance.refill")
      })
    if inside.status != NL_SKIPPED {
      #expect(inside.status == NL_OK, "\(inside.reason)")
      #expect(inside["handler_signals"] == inside["stat.sheaf_refill"])
      // The larger barn of `heap` has room for all of a batch.
      #expect(try #require(inside["stat.sheaf_refill"]) > 0 || design == "heap")
    }
  }

  @Test func attachDetachAndBarrier() throws {
    guard case .found(let subject) = loadSubject("heap", objectPath: ""),
      let allocate = unsafe subject.ops.pointee.kmalloc_nolock,
      let free = unsafe subject.ops.pointee.kfree_nolock
    else {
      Issue.record("heap is not built")
      return
    }
    let attach = try #require(unsafe subject.ops.pointee.thread_attach)
    let detach = try #require(unsafe subject.ops.pointee.thread_detach)
    let barrier = try #require(unsafe subject.ops.pointee.barrier)
    let before = statistics(subject)
    let objects = ObjectList()
    onThread {
      objects.attached = attach()
      for _ in 0..<100 { unsafe objects.add(allocate(64, 0, -1)) }
      detach()
      // A thread that was detached may call again.
      for _ in 0..<100 { unsafe objects.add(allocate(64, 0, -1)) }
    }
    #expect(objects.attached == 0)
    #expect(Set(objects.addresses).count == 200)
    // Freed by a thread that never was attached by hand.
    onThread {
      for address in objects.addresses { unsafe free(UnsafeMutableRawPointer(bitPattern: address)) }
    }
    barrier()
    let after = statistics(subject)
    func difference(_ names: String...) -> UInt64 {
      names.reduce(0) { $0 + (after[$1] ?? 0) - (before[$1] ?? 0) }
    }
    #expect(difference("alloc_fast", "alloc_slow") == 200)
    #expect(difference("free_fast", "free_slow", "free_deferred") == 200)
    #expect(difference("free_deferred") == difference("deferred_drained"))
    #expect(difference("attach") >= 2)
    #expect(difference("attach_failed") == 0)
  }
}

/// What one thread leaves to the next; they never run at the same time.
private final class ObjectList: @unchecked Sendable {
  var attached: Int32 = -1
  var addresses: [UInt] = []

  func add(_ object: UnsafeMutableRawPointer?) {
    if let object = unsafe object { addresses.append(UInt(bitPattern: object)) }
  }
}

/// Runs `body` on a thread of its own, to its end.
private func onThread(_ body: @escaping @Sendable () -> Void) {
  let done = DispatchSemaphore(value: 0)
  Thread.detachNewThread {
    body()
    done.signal()
  }
  done.wait()
}

private func statistics(_ subject: Subject) -> [String: UInt64] {
  guard let stats = unsafe subject.ops.pointee.stats else { return [:] }
  var all = unsafe [nolock_stat](repeating: nolock_stat(), count: 256)
  let count = unsafe stats(&all, all.count)
  var values: [String: UInt64] = [:]
  for unsafe stat in unsafe all.prefix(count) {
    unsafe values[String(cString: stat.name)] = stat.value
  }
  return values
}
