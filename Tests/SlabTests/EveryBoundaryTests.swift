import CNolock
import CPlatform
import CSweep
import Testing

extension AllocatorTests {
  /// Each call interrupted at every instruction boundary by a handler that allocates, frees what
  /// earlier interrupts allocated, and frees another thread's objects; against marks in the
  /// objects.  Every test proves by counters that the state it is about was reached.
  @Suite(.serialized, .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"))
  struct EveryBoundary {
    /// Sheaves of 12 objects in `sheaves`: every state comes within a few dozen calls.
    static let size = 1024

    /// Sweeps `calls` allocations and then their frees on a new thread, with `ballast` more objects
    /// allocated before and freed between, uninterrupted; the counters that moved.
    private func sweep(
      _ subject: Subject, _ allocate: sweep_operation, _ free: sweep_operation, calls: Int,
      ballast: Int = 0, foreign: Int32 = 0, gfp: UInt32 = 0
    ) -> [String: Int] {
      let before = subject.live
      var violations = -1
      var unbalanced = -1
      let moved = subject.moved {
        onNewThread {
          let sweep = Sweep(subject, size: Self.size, gfp: gfp)
          sweep.addForeign(foreign)
          let heavy = (0..<ballast).map { _ in sweep.allocate() }
          var objects = (0..<calls).map { _ in sweep.run(allocate) }
          for object in heavy { sweep.free(object) }
          objects.removeAll { $0 == 0 }
          for object in objects { sweep.run(free, object) }
          violations = sweep.violations
          let books = sweep.end()
          unbalanced = books.allocated - books.freed
        }
        subject.barrier()
      }
      #expect(violations == 0)
      #expect(unbalanced == 0)
      #expect(subject.live == before)
      return moved
    }

    private func expect(_ states: [String], in moved: [String: Int]) {
      #expect(states.filter { moved[$0, default: 0] <= 0 } == [], "not reached")
    }

    /// Hit, busy, spare, refill, deferred free and its drain by an ordinary call.
    @Test(arguments: Subject.withSheaves)
    func ordinaryCalls(_ subject: Subject) {
      let moved = sweep(subject, SWEEP_KMALLOC, SWEEP_KFREE, calls: 40, ballast: 80, foreign: 300)
      expect(
        [
          "alloc_fast", "free_fast", "line_busy", "alloc_slow", "spare_swap", "sheaf_refill",
          "sheaf_alloc", "free_deferred", "deferred_drained", "attach",
        ], in: moved)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
    }

    @Test(arguments: Subject.withSheaves)
    func nolockCalls(_ subject: Subject) {
      let moved = sweep(
        subject, SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK, calls: 60, foreign: 300)
      expect(["alloc_fast", "free_fast", "line_busy", "alloc_slow", "free_deferred"], in: moved)
      // Everything deferred was drained, though no ordinary call of this cache came by.
      #expect(moved["free_deferred"] == moved["deferred_drained"])
    }

    /// The ballast fills slabs, so the swept calls come to partial ones of the vCPU and the node.
    @Test func perCPUSlabs() {
      let moved = sweep(
        .cpuslab, SWEEP_KMALLOC, SWEEP_KFREE, calls: 60, ballast: 400, foreign: 300)
      expect(
        [
          "alloc_fast", "free_fast", "line_busy", "alloc_slow", "free_slow", "free_deferred",
          "deferred_drained", "deactivate", "cpu_partial_alloc",
          "cpu_partial_free", "slab_alloc",
        ], in: moved)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
    }

    @Test func perCPUSlabsInNolockCalls() {
      let moved = sweep(
        .cpuslab, SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK, calls: 60, ballast: 100, foreign: 300)
      expect(["alloc_fast", "line_busy", "alloc_slow", "free_deferred"], in: moved)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
    }

    /// A thread's first nolock call has no slab and fetches one, its lock free meanwhile: a handler
    /// that comes then installs its own, and the call's own must be given up without waiting.  Tried
    /// at every eighth boundary; the fetch is far longer.
    @Test func aSlabInstalledMeanwhile() {
      let subject = Subject.cpuslab
      var boundary = 1
      var last = Int.max
      var deferred = 0
      while boundary <= last {
        var outcome = (violations: -1, unbalanced: -1)
        let moved = subject.moved {
          onNewThread {
            let sweep = Sweep(subject, size: Self.size)
            sweep.workOnly(at: boundary)
            let object = sweep.run(SWEEP_KMALLOC_NOLOCK)
            last = sweep.boundaries
            if object != 0 { sweep.free(object) }
            outcome.violations = sweep.violations
            let books = sweep.end()
            outcome.unbalanced = books.allocated - books.freed
          }
          subject.barrier()
        }
        #expect(outcome == (0, 0), "boundary \(boundary)")
        deferred += moved["deactivate_deferred", default: 0]
        // Made up for at the latest when the thread ended.
        #expect(moved["deactivate", default: 0] >= moved["deactivate_deferred", default: 0])
        boundary += 8
      }
      #expect(deferred >= 3)
      #expect(subject.live == 0)
    }

    @Test func nothingPerCPU() {
      let moved = sweep(.tiny, SWEEP_KMALLOC, SWEEP_KFREE, calls: 40, ballast: 80, foreign: 300)
      expect(
        [
          "alloc_slow", "free_slow", "free_deferred", "deferred_drained", "list_lock_busy",
          "next_bucket", "slab_alloc", "slab_free",
        ], in: moved)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
      let nolock = sweep(
        .tiny, SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK, calls: 40, foreign: 300)
      expect(["alloc_slow", "free_deferred", "list_lock_busy", "next_bucket"], in: nolock)
    }

    /// The ballast fills main, spare and barn, so the swept frees flush a sheaf to the slabs.
    @Test func theBarnInBothDirections() {
      let moved = sweep(.sheaves, SWEEP_KMALLOC, SWEEP_KFREE, calls: 40, ballast: 170)
      expect(
        ["barn_get", "barn_put", "barn_put_fail", "sheaf_flush", "objects_flushed"], in: moved)
    }

    /// A slab's first object, and its last, which returns the pages: nothing else uses the bucket.
    @Test func newSlabs() {
      let moved = sweep(
        .sheaves, SWEEP_KMALLOC, SWEEP_KFREE, calls: 30, gfp: NOLOCK_GFP_ACCOUNT.rawValue)
      expect(["slab_alloc", "partial_add", "partial_remove"], in: moved)
    }

    /// One handler run per boundary, each with a fresh thread: a nested call attaches first.
    /// Not `gfpflag`: it has no next bucket, so its handler rightly gets NULL under a held lock.
    @Test(arguments: [Subject.sheaves, .heap, .cpuslab, .tiny])
    func attachingAtEveryBoundary(_ subject: Subject) {
      // The same source compiled twice; one of them is enough for the whole sweep.
      let stride = subject.name == "sheaves" ? 1 : 7
      var boundary = 1
      var last = Int.max
      var failures: [String] = []
      while boundary <= last {
        var outcome = (object: UInt(0), violations: -1, unbalanced: -1, handler: -1)
        // The worker fills the reserve of pages, which serves the handler where the zone is held.
        subject.barrier()
        let moved = subject.moved {
          onNewThread {
            let sweep = Sweep(subject, size: 64)
            sweep.workOnly(at: boundary)
            outcome.object = sweep.run(SWEEP_KMALLOC_NOLOCK)
            last = sweep.boundaries
            outcome.handler = sweep.handlerAllocated
            sweep.free(outcome.object)
            outcome.violations = sweep.violations
            let books = sweep.end()
            outcome.unbalanced = books.allocated - books.freed
          }
        }
        // However often the call was cut, the thread had one block.  Behind `last` stand the few
        // instructions of the stepper's own frame, where the handler may or may not run.
        if outcome.object == 0 || outcome.violations != 0 || outcome.unbalanced != 0
          || boundary <= last && outcome.handler != 1 || moved["attach"] != 1
        {
          failures.append("boundary \(boundary): \(outcome) \(moved)")
        }
        boundary += stride
      }
      #expect(failures == [])
      #expect(last > 100)
      #expect(subject.live == 0)
    }

    /// The states in which a lock is held by the interrupted thread itself, set up by hand.
    @Test func heldLine() {
      let subject = Subject.sheaves
      var reached: [String: Int] = [:]
      var violations = -1
      onNewThread {
        let sweep = Sweep(subject, size: 64)
        var objects = (0..<30).map { _ in sweep.allocate() }
        let line = unsafe nl_vcpu_at_line(
          nl_get_vcpu_sheaves(), Int(NL_LINE_FIRST.rawValue) + 3)
        unsafe nl_line_set_lock(line, 1)
        let moved = subject.moved {
          for _ in 0..<5 {
            objects.append(sweep.run(SWEEP_KMALLOC_NOLOCK))
            sweep.run(SWEEP_KFREE_NOLOCK, objects.removeFirst())
          }
        }
        unsafe nl_line_unlock(line)
        reached = moved
        for object in objects { sweep.free(object) }
        violations = sweep.violations
        _ = sweep.end()
      }
      #expect(violations == 0)
      expect(["alloc_slow", "free_deferred", "line_busy"], in: reached)
      // No sheaf of this bucket served; where the slab was busy, the next bucket's may have.
      #expect(reached["alloc_fast", default: 0] <= reached["next_bucket", default: 0])
      subject.barrier()
      #expect(subject.live == 0)
    }

    /// With list_lock and the line held, the next larger bucket serves.
    @Test func heldListLock() {
      let subject = Subject.sheaves
      var reached: [String: Int] = [:]
      var sizes: Set<Int> = []
      var violations = -1
      onNewThread {
        let sweep = Sweep(subject, size: 64)
        sweep.free(sweep.allocate())
        let vcpu = unsafe nl_get_vcpu_sheaves()
        let line = unsafe nl_vcpu_at_line(vcpu, Int(NL_LINE_FIRST.rawValue) + 3)
        let cache = unsafe nl_instance_at_cache(nl_get_instance_sheaves(), 3)
        unsafe nl_line_set_lock(line, 1)
        unsafe cache.pointee.node.list_lock.word = vcpu.pointee.tid
        var objects: [UInt] = []
        let moved = subject.moved {
          for _ in 0..<5 { objects.append(sweep.run(SWEEP_KMALLOC_NOLOCK)) }
        }
        unsafe cache.pointee.node.list_lock.word = 0
        unsafe nl_line_unlock(line)
        reached = moved
        sizes = Set(objects.map(subject.ksize))
        for object in objects { sweep.free(object) }
        violations = sweep.violations
        _ = sweep.end()
      }
      #expect(violations == 0)
      #expect(sizes == [96])
      #expect(reached["next_bucket", default: 0] > 5)
      #expect(reached["list_lock_busy", default: 0] > 5)
      #expect(subject.live == 0)
    }

    /// With both buckets' locks held there is nothing but NULL, and nobody waits.
    @Test func heldLocksOfBothBuckets() {
      let subject = Subject.sheaves
      var reached: [String: Int] = [:]
      var object: UInt = 1
      onNewThread {
        subject.kfree(subject.kmalloc(8192))
        let vcpu = unsafe nl_get_vcpu_sheaves()
        let line = unsafe nl_vcpu_at_line(vcpu, Int(NL_LINE_FIRST.rawValue) + 12)
        let cache = unsafe nl_instance_at_cache(nl_get_instance_sheaves(), 12)
        unsafe nl_line_set_lock(line, 1)
        unsafe cache.pointee.node.list_lock.word = vcpu.pointee.tid
        // Above 8192 there is no next bucket.
        reached = subject.moved { object = subject.kmallocNolock(8192) }
        unsafe cache.pointee.node.list_lock.word = 0
        unsafe nl_line_unlock(line)
      }
      #expect(object == 0)
      #expect(reached == ["line_busy": 1, "list_lock_busy": 1, "nolock_null": 1])
    }
  }
}
