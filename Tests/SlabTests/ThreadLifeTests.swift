import CNolock
import CPlatform
import CSweep
import TestSupport
import Testing

extension AllocatorTests {
  /// Attach, exit, fork, remote flush, and threads at once (architecture.md, "Life of a thread").
  @Suite(.serialized) struct ThreadLife {
    @Test(arguments: Subject.withSheaves)
    func aThreadGivesItsSheavesBack(_ subject: Subject) {
      let moved = subject.moved {
        onNewThread {
          let objects = (0..<100).map { _ in subject.kmalloc(2048) }
          for object in objects { subject.kfree(object) }
        }
      }
      #expect(moved["attach"] == 1)
      #expect(moved["vcpus_now"] == nil)
      #expect(moved["objects_flushed", default: 0] > 0)
      // Sheaves either went to the barn or were freed; none stays with the block.
      #expect(moved["lost_lines"] == nil)
      #expect(subject.live == 0)
    }

    @Test(arguments: [Subject.sheaves, .heap])
    func blocksAreUsedAgain(_ subject: Subject) {
      for _ in 0..<50 { onNewThread { subject.kfree(subject.kmalloc(64)) } }
      let instance =
        unsafe subject.name == "heap" ? nl_get_instance_heap() : nl_get_instance_sheaves()
      let before = unsafe instance.pointee.vcpu_count
      for _ in 0..<200 { onNewThread { subject.kfree(subject.kmalloc(64)) } }
      #expect(unsafe instance.pointee.vcpu_count == before)
    }

    @Test(arguments: Subject.all)
    func objectsOutliveTheirThread(_ subject: Subject) {
      var objects: [UInt] = []
      onNewThread { objects = (0..<500).map { 16 + $0 * 16 }.map { subject.kmalloc($0) } }
      #expect(subject.live == 500)
      for (i, object) in objects.enumerated() { #expect(subject.ksize(object) >= 16 + i * 16) }
      for object in objects { subject.kfree(object) }
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.all)
    func detachAndAttachAgain(_ subject: Subject) {
      let moved = subject.moved {
        onNewThread {
          for _ in 0..<3 {
            _ = subject.threadAttach()
            subject.kfree(subject.kmalloc(64))
            subject.threadDetach()
          }
          subject.threadDetach()
        }
      }
      #expect(moved["attach"] == 3)
      #expect(moved["vcpus_now"] == nil)
    }

    /// A thread that only made nolock calls has no exit hook; the worker finds it dead.
    @Test(arguments: Subject.all)
    func theWorkerReclaimsThreadsWithoutAHook(_ subject: Subject) {
      var object: UInt = 0
      onNewThread {
        object = subject.kmallocNolock(64)
        for _ in 0..<10 { subject.kfreeNolock(subject.kmallocNolock(64)) }
      }
      subject.kfree(object)
      let attached = { subject.statistics["vcpus_now"]! }
      #expect(subject.control("flush", 1) == 0)  // lets the worker look after threads
      #expect(subject.control("flush", 1) == 0)
      #expect(attached() <= 2 + 64)
      #expect(subject.live == 0)
    }

    /// What moves while a thread that has used its lines is flushed by another, and goes on.
    private func flushedWhileSilent(_ subject: Subject) -> [String: Int] {
      subject.moved {
        onNewThread {
          func use() {
            for object in (0..<50).map({ _ in subject.kmalloc(2048) }) { subject.kfree(object) }
          }
          use()
          onNewThread { #expect(subject.control("flush", 1) == 0) }
          // The owner goes on with a line that somebody emptied.
          use()
        }
      }
    }

    /// Nobody can empty a per-CPU slab from outside; its owner does when it is asked to.
    @Test func aPerCPUSlabIsGivenUpOnRequest() {
      let moved = flushedWhileSilent(.cpuslab)
      #expect(moved["remote_not_taken", default: 0] >= Int(NL_CACHES))
      #expect(moved["deactivate", default: 0] > 0)
      #expect(Subject.cpuslab.live == 0)
    }

    @Test(arguments: Subject.withSheaves)
    func aSilentThreadIsFlushed(_ subject: Subject) {
      let moved = flushedWhileSilent(subject)
      #expect(moved["remote_flush", default: 0] >= Int(NL_CACHES))
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.all)
    func objectsTravelBetweenThreads(_ subject: Subject) {
      #expect(unsafe sweep_exchange(subject.ops, 4, 200_000) == 0)
      subject.barrier()
      #expect(subject.live == 0)
    }

    /// Fewer where threads share their vCPUs: each round is longer.
    @Test(arguments: [(Subject.sheaves, 100), (.cpuslab, 100)] + Subject.rt.map { ($0, 10) })
    func forksInTheMiddle(_ subject: Subject, _ rounds: Int) {
      #expect(unsafe sweep_fork(subject.ops, 3, Int32(rounds)) == 0)
      subject.barrier()
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.all)
    func theMemoryLimitFailsHonestly(_ subject: Subject) {
      var objects: [UInt] = []
      let used = subject.statistics["pages_bytes_now"]!
      #expect(subject.control("limit", UInt64(used + 1 << 20)) == 0)
      let moved = subject.moved {
        while case let object = subject.kmalloc(4096), object != 0 { objects.append(object) }
        #expect(subject.kmalloc(1 << 20) == 0)
      }
      #expect(subject.statistics["pages_bytes_now"]! <= used + 1 << 20)
      #expect(moved["limit_hit", default: 0] >= 2)
      #expect(objects.count > 200)
      #expect(subject.control("limit", 0) == 0)
      #expect(subject.kmalloc(4096).nonzero { objects.append($0) })
      for object in objects { subject.kfree(object) }
      #expect(subject.live == 0)
    }

    /// The constructor has run, nothing else: the handler's calls are the first of the process.
    @Test(arguments: ["sheaves", "heap"])
    func theFirstCallOfAProcessMayBeInAHandler(_ design: String) throws {
      let object = try TestObjects.build(design)
      let program = try TestObjects.program("Tests/SlabTests/Fixtures/first-call.c")
      let result = try Command.run([program, object])
      #expect(result.status == 0, "\(result.text)")
    }
  }
}

extension UInt {
  /// Passes the value on unless it is 0.
  fileprivate func nonzero(_ body: (UInt) -> Void) -> Bool {
    if self != 0 { body(self) }
    return self != 0
  }
}
