import CNolock
import CPlatform
import CSweep
import Testing

extension AllocatorTests {
  /// Exact instructions of a hit, counted by single-step: the figures of issue A, and that no
  /// locked instruction is among them.
  @Suite(.serialized, .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"))
  struct InstructionCounts {
    struct Counts: Equatable {
      var allocate = 0, free = 0, locked = 0
    }

    /// Counts an allocation and its free in a thread whose sheaf has objects and room.
    private func count(
      _ subject: Subject, _ allocate: sweep_operation = SWEEP_KMALLOC,
      _ free: sweep_operation = SWEEP_KFREE, gfp: UInt32 = 0
    ) -> Counts {
      var counts = Counts()
      onNewThread {
        var objects = (0..<20).map { _ in subject.kmalloc(64, gfp: gfp) }
        for _ in 0..<10 { subject.kfree(objects.removeLast()) }
        var object: UInt = 0
        counts.allocate = subject.count(allocate, size: 64, gfp: gfp, &object)
        counts.free = subject.count(free, size: 64, &object)
        counts.locked = subject.count(allocate, size: 64, gfp: gfp, &object, locked: true)
        counts.locked += subject.count(free, size: 64, &object, locked: true)
        for object in objects { subject.kfree(object) }
      }
      return counts
    }

    /// Where nothing is per CPU, every call takes the slab's lock and its exchange.
    @Test func tinyTakesLocks() {
      #expect(count(.tiny).locked > 0)
    }

    /// The road not taken costs its test and branch in every allocation, and nothing in a free.
    @Test func theFlagCostsATestAndABranch() {
      let (flag, without) = (count(.gfpflag), count(.sheaves))
      #expect(flag.allocate == without.allocate + 2)
      #expect(flag.free == without.free)
    }

    /// The exchange of the per-CPU slab has no lock prefix.
    @Test func cpuslabLocksNothing() {
      let counts = count(.cpuslab)
      #expect(counts.locked == 0)
      #expect(counts.allocate <= 30)
      #expect(counts.free <= 38)
    }

    @Test(arguments: Subject.withSheaves)
    func ordinaryCalls(_ subject: Subject) {
      let counts = count(subject)
      #expect(counts.allocate <= 26)
      #expect(counts.free <= 24)
      #expect(counts.locked == 0)
    }

    @Test(arguments: [Subject.sheaves, .heap])
    func nolockCallsCostTheSame(_ subject: Subject) {
      #expect(count(subject, SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK) == count(subject))
    }

    @Test(arguments: Subject.all)
    func aCountIsExact(_ subject: Subject) {
      let first = count(subject)
      for _ in 0..<5 { #expect(count(subject) == first) }
    }

    @Test(arguments: Subject.withSheaves)
    func flagsStayOnTheFastPath(_ subject: Subject) {
      let plain = count(subject)
      let accounted = count(subject, gfp: NOLOCK_GFP_ACCOUNT.rawValue)
      let zeroed = count(subject, gfp: NOLOCK_GFP_ZERO.rawValue)
      #expect(accounted.free == plain.free)
      // Two more than without nodes: a wanted node is another flag.
      #expect(accounted.allocate <= plain.allocate + 8)
      // Four stores of 16 bytes and their loop on top.
      #expect(zeroed.allocate <= plain.allocate + 47)
      #expect(accounted.locked + zeroed.locked == 0)
    }

    @Test(arguments: Subject.all)
    func aLockedInstructionWouldBeSeen(_ subject: Subject) {
      onNewThread {
        // The thread's first call attaches it, by an exchange of its slot.
        var object: UInt = 0
        #expect(subject.count(SWEEP_KMALLOC_NOLOCK, size: 64, &object, locked: true) > 0)
        subject.kfree(object)
      }
    }
  }
}
