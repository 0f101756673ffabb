import CNolock
import CPlatform
import CSweep
import TestSupport
import Testing

extension AllocatorTests {
  /// The forms of PREEMPT_RT: locks with owners, vCPUs that threads share (kernel-reference §1.3).
  @Suite(.serialized) struct PreemptRT {
    static let irqsOff = NOLOCK_CONTEXT_IRQS_OFF.rawValue
    static let preemptOff = NOLOCK_CONTEXT_PREEMPT_OFF.rawValue

    @Test(arguments: Subject.rt)
    func aNolockCallThatDeclaresNothingIsInAnNMI(_ subject: Subject) {
      onNewThread {
        // Objects in reach: it is the context that refuses.
        let mine = (0..<20).map { _ in subject.kmalloc(64) }
        for object in mine.dropFirst() { subject.kfree(object) }
        let moved = subject.moved {
          #expect(subject.kmallocNolock(64) == 0)
          #expect(subject.kmallocNolock(64, gfp: NOLOCK_GFP_ZERO.rawValue) == 0)
          #expect(subject.kmallocNolock(64, gfp: NOLOCK_GFP_ACCOUNT.rawValue) == 0)
          #expect(subject.kmallocNolock(0) == 16)  // as in the kernel: it needs no lock
          subject.kfreeNolock(mine[0])
        }
        #expect(moved["nolock_null"] == 3)
        #expect(moved["free_deferred"] == 1)
        #expect(moved["next_bucket"] == nil)
        #expect(moved["alloc_fast"] == nil && moved["alloc_slow"] == nil)
      }
      subject.barrier()
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.rt)
    func theDeclaredContextDecides(_ subject: Subject) {
      onNewThread {
        func serves(_ context: nolock_context, _ flags: UInt32 = 0) -> Bool {
          let object = subject.declared(context, flags) { subject.kmallocNolock(64) }
          subject.kfree(object)
          return object != 0
        }
        #expect(serves(NOLOCK_CONTEXT_TASK))
        #expect(serves(NOLOCK_CONTEXT_TASK, Self.irqsOff))
        #expect(serves(NOLOCK_CONTEXT_TASK, Self.preemptOff))
        #expect(serves(NOLOCK_CONTEXT_SOFTIRQ))
        #expect(!serves(NOLOCK_CONTEXT_HARDIRQ))
        #expect(!serves(NOLOCK_CONTEXT_HARDIRQ, Self.irqsOff))
        #expect(!serves(NOLOCK_CONTEXT_NMI))
        #expect(!serves(NOLOCK_CONTEXT_UNKNOWN, Self.irqsOff))
      }
      #expect(subject.live == 0)
    }

    /// Interrupted at every boundary by an NMI that asks and frees: it gets nothing, and waits for
    /// nothing.
    @Test(
      .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"), arguments: Subject.rt)
    func anNMIAtEveryBoundary(_ subject: Subject) {
      let moved = sweep(subject, NOLOCK_CONTEXT_UNKNOWN, calls: 20) { runs, allocated in
        #expect(runs > 500)
        #expect(allocated == 0)
      }
      #expect(moved["nolock_null", default: 0] > 500)
      #expect(moved["line_busy"] == nil)
      #expect(moved["free_deferred", default: 0] >= 300)
    }

    /// The same by a soft interrupt, which may try every lock.
    @Test(
      .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"), arguments: Subject.rt)
    func aSoftIRQAtEveryBoundary(_ subject: Subject) {
      let moved = sweep(subject, NOLOCK_CONTEXT_SOFTIRQ, calls: 14) { runs, allocated in
        #expect(runs > 500)
        #expect(allocated > runs / 3)
      }
      var states = ["alloc_slow", "free_deferred"]
      states += subject.name == "tiny-rt" ? ["list_lock_busy"] : ["alloc_fast", "line_busy"]
      if subject.name != "sheaves-rt" { states.append("next_bucket") }
      #expect(states.filter { moved[$0, default: 0] <= 0 } == [], "not reached")
    }

    private func sweep(
      _ subject: Subject, _ context: nolock_context, calls: Int,
      _ check: (_ runs: Int, _ allocated: Int) -> Void
    ) -> [String: Int] {
      let before = subject.live
      var violations = -1
      var unbalanced = -1
      var counts = (runs: 0, allocated: 0)
      let moved = subject.moved {
        onNewThread {
          let sweep = Sweep(subject, size: 1024)
          if context != NOLOCK_CONTEXT_UNKNOWN { sweep.declare(context) }
          sweep.addForeign(300)
          let objects = (0..<calls).map { _ in sweep.run(SWEEP_KMALLOC) }.filter { $0 != 0 }
          for object in objects { sweep.run(SWEEP_KFREE, object) }
          counts = (sweep.handlerRuns, sweep.handlerAllocated)
          violations = sweep.violations
          let books = sweep.end()
          unbalanced = books.allocated - books.freed
        }
        subject.barrier()
      }
      check(counts.runs, counts.allocated)
      #expect(violations == 0)
      #expect(unbalanced == 0)
      #expect(subject.live == before)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
      return moved
    }

    /// Locked by the current task: the next bucket serves (seed 000, the same by a probe).
    @Test func ownLockMeansNextBucket() {
      let subject = Subject.cpuslabRT
      onNewThread {
        subject.kfree(subject.kmalloc(64))
        let line = unsafe nl_line_at_owner(
          nl_vcpu_at_line(nl_get_vcpu_cpuslab_rt(), Int(NL_LINE_FIRST.rawValue) + 3))
        let before = unsafe nl_load_u32(line)
        unsafe nl_store_u32(line, nl_gettid())
        var object: UInt = 0
        let moved = subject.moved {
          object = subject.declared(NOLOCK_CONTEXT_TASK) { subject.kmallocNolock(64) }
        }
        unsafe nl_store_u32(line, before)
        #expect(before == 0)
        #expect(subject.ksize(object) == 96)
        #expect(moved["next_bucket"] == 1)
        subject.kfree(object)
      }
      #expect(subject.live == 0)
    }

    /// Locked by another task: a preemptible task waits for it, everybody else goes on.
    @Test func anothersLockIsWaitedForByPreemptibleTasksOnly() {
      let subject = Subject.cpuslabRT
      let cpus = UInt64(unsafe nl_get_instance_cpuslab_rt().pointee.cpu_count)
      #expect(subject.control("vcpus", 1) == 0)
      onNewThread {
        subject.kfree(subject.kmalloc(64))
        let vcpu = unsafe nl_get_vcpu_cpuslab_rt()
        let line = unsafe nl_line_at_owner(nl_vcpu_at_line(vcpu, Int(NL_LINE_FIRST.rawValue) + 3))
        // Taken by this thread, as the kernel sees it, too: the waiter lends it its priority.
        unsafe nl_store_u32(line, nl_gettid())
        var refused: [UInt] = []
        onNewThread {
          #expect(unsafe subject.threadAttach() == 0 && nl_get_vcpu_cpuslab_rt() == vcpu)
          for flags in [Self.preemptOff, Self.irqsOff] {
            refused.append(
              subject.declared(NOLOCK_CONTEXT_TASK, flags) { subject.kmallocNolock(64) })
          }
          refused.append(subject.declared(NOLOCK_CONTEXT_SOFTIRQ) { subject.kmallocNolock(64) })
        }
        // The next larger bucket, whose lock was free.
        #expect(refused.map(subject.ksize) == [96, 96, 96])
        let waited = unsafe sweep_wait_for_line(subject.ops, line)
        #expect(waited.slept == 1)
        #expect(waited.size == 64)
        for object in refused { subject.kfree(object) }
      }
      #expect(subject.control("vcpus", cpus) == 0)
      #expect(subject.live == 0)
    }

    @Test(arguments: Subject.rt)
    func threadsAreDealtOutInTurn(_ subject: Subject) {
      let instance = unsafe Self.instance(subject)
      let cpus = UInt64(unsafe instance.pointee.cpu_count)
      #expect(subject.control("vcpus", 0) == -1)
      #expect(subject.control("vcpus", 3) == 0)
      // Nested, so that six live at once.
      func nest(_ depth: Int) {
        onNewThread {
          #expect(subject.threadAttach() == 0)
          if depth > 1 { return nest(depth - 1) }
          let users = (0..<3).map { i in
            let block = unsafe UnsafeMutableRawPointer(instance.pointee.vcpu!) + i * 8192
            return unsafe block.assumingMemoryBound(to: nl_vcpu.self).pointee.users
          }
          // The worker and the main thread were there before.
          #expect(users.allSatisfy { $0 >= 2 }, "\(users)")
        }
      }
      nest(6)
      #expect(subject.control("vcpus", cpus) == 0)
    }

    /// All on one vCPU: what was plain because one thread owned it is not.
    @Test(arguments: Subject.rt)
    func sharedVCPUsKeepTheBooks(_ subject: Subject) {
      let cpus = UInt64(unsafe Self.instance(subject).pointee.cpu_count)
      #expect(subject.control("vcpus", 1) == 0)
      let moved = subject.moved {
        #expect(unsafe sweep_exchange(subject.ops, 4, 100_000) == 0)
        subject.barrier()
      }
      #expect(subject.live == 0)
      let s = moved
      // Exact, though four threads counted in the same words.
      #expect(
        s["alloc_fast", default: 0] + s["alloc_slow", default: 0]
          == s["free_fast", default: 0] + s["free_slow", default: 0])
      #expect(s["alloc_fast", default: 0] + s["alloc_slow", default: 0] == 400_000)
      #expect(subject.control("vcpus", cpus) == 0)
    }

    @Test(arguments: Subject.rt)
    func theLastThreadLeavesNothingBehind(_ subject: Subject) {
      let moved = subject.moved {
        onNewThread {
          let objects = (0..<100).map { _ in subject.kmalloc(2048) }
          for object in objects { subject.kfree(object) }
        }
        #expect(subject.control("flush", 1) == 0)
      }
      #expect(moved["attach", default: 0] >= 1)
      #expect(moved["lost_lines"] == nil)
      #expect(subject.live == 0)
    }

    /// By the order of events, not by time: high is done before medium, who never sleeps, only if
    /// low was lent high's priority.
    @Test(
      .enabled(
        if: sweep_may_use_fifo() == 1, "no right to SCHED_FIFO (CAP_SYS_NICE), or one CPU only"),
      arguments: [false, true])
    func threeThreadsOnOneCPU(withPlainLock: Bool) throws {
      let flags = ["NOLOCK_PROBES"] + (withPlainLock ? ["NOLOCK_BROKEN_NO_PI"] : [])
      let object = try TestObjects.build("sheaves-rt", flags: flags)
      let program = try TestObjects.program("Tests/SlabTests/Fixtures/priority.c")
      let result = try Command.run([program, object])
      #expect(result.status == (withPlainLock ? 1 : 0), "\(result.text)")
    }

    static func instance(_ subject: Subject) -> UnsafeMutablePointer<nl_instance> {
      unsafe subject.name == "tiny-rt"
        ? nl_get_instance_tiny_rt()
        : subject.name == "cpuslab-rt" ? nl_get_instance_cpuslab_rt() : nl_get_instance_sheaves_rt()
    }
  }
}
