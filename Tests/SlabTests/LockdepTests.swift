import Foundation
import TestSupport
import Testing

/// Lockdep's wait types (kernel-reference §5): each nesting in a process of its own.
@Suite(.serialized) struct LockdepTests {
  static let program = Result {
    try TestObjects.program("Tests/SlabTests/Fixtures/lockdep.c")
  }
  static let designs = ["sheaves", "cpuslab", "tiny", "sheaves-rt", "cpuslab-rt", "tiny-rt"]
  static let objects = Result {
    try designs.map { ($0, try TestObjects.build($0 + "+lockdep+probes")) }
  }

  /// Runs one case under every design: the number of reports, and the first.
  private func run(
    _ name: String, on designs: [String] = designs,
    _ check: (_ design: String, _ reports: Int, _ text: String) -> Void
  ) throws {
    for (design, object) in try Self.objects.get() where designs.contains(design) {
      let result = try Command.run([Self.program.get(), object, name])
      let lines = result.text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      let count = lines.first.flatMap { Int($0) }
      #expect(result.status == 0 && count != nil, "\(design) \(name): \(result.text)")
      if let count { check(design, count, lines.count > 1 ? String(lines[1]) : "") }
    }
  }

  /// The misuse of seeds 002 and 004: a raw lock held, then an allocation that takes a spinlock,
  /// though this one needed none.
  @Test(arguments: ["raw_then_kmalloc", "raw_then_hit", "raw_then_kfree", "raw_then_pages"])
  func underARawLock(_ name: String) throws {
    try run(name) { design, reports, text in
      #expect(reports >= 1, "\(design)")
      // The whole report, but for addresses and the task.
      let plain = text.replacing(/0x[0-9a-f]{12}/, with: "ADDRESS")
        .replacing(/lockdep\/[0-9]+/, with: "TASK")
      #expect(
        plain == """

          =============================
          [ BUG: Invalid wait context ]
          nolock Not tainted
          -----------------------------
          TASK is trying to lock:
          ADDRESS (&n->list_lock){....}-{3:3}, at: ADDRESS
          other info that might help us debug this:
          context-{5:5}
          1 lock held by TASK:
           #0: ADDRESS (some_raw_lock){....}-{2:2}, at: ADDRESS

          """, "\(design)")
    }
  }

  /// What is legal: the nestings of seed 000, by an NMI and by a probe, and the proper order.
  @Test(arguments: [
    "raw_then_nolock", "nmi_other_bucket", "nmi_same_bucket", "nmi_list_lock",
    "probe_other_bucket", "probe_list_lock",
  ])
  func nolockCallsAreSilent(_ name: String) throws {
    // In the RT forms they get nothing there.  `tiny` has no line to be held, and the calls of
    // `cpuslab` do without list_lock here.
    let designs =
      name == "raw_then_nolock"
      ? ["sheaves", "cpuslab", "tiny"]
      : name.hasSuffix("list_lock") ? ["sheaves", "tiny"] : ["sheaves", "cpuslab"]
    try run(name, on: designs) { design, reports, text in
      #expect(reports == 0, "\(design): \(text)")
    }
  }

  @Test(arguments: [
    "mutex_spin_kmalloc_raw", "trylock_is_exempt", "override_map", "softirq_over_raw",
    "two_locks_of_two_classes",
  ])
  func legalNestingsAreSilent(_ name: String) throws {
    try run(name) { design, reports, text in #expect(reports == 0, "\(design): \(text)") }
  }

  @Test func aMutexUnderASpinlock() throws {
    try run("spin_then_mutex") { design, reports, text in
      #expect(reports == 1, "\(design)")
      #expect(text.contains("(some_mutex){....}-{4:4}"), "\(design): \(text)")
    }
  }

  /// A lock that was taken by trying is held all the same.
  @Test func aSpinlockUnderARawTrylock() throws {
    try run("trylock_counts_when_held") { design, reports, text in
      #expect(reports == 1, "\(design)")
      #expect(text.contains("(some_spinlock){....}-{3:3}"), "\(design): \(text)")
    }
  }

  /// No lock is held: the context itself forbids it.
  @Test func anOrdinaryCallInHardIRQ() throws {
    try run("hardirq") { design, reports, text in
      #expect(reports >= 1, "\(design)")
      #expect(text.contains("context-{2:2}\nno locks held by lockdep/"), "\(design): \(text)")
    }
  }

  @Test func theSameLockTwice() throws {
    try run("same_lock_twice") { design, reports, text in
      #expect(reports == 1, "\(design)")
      #expect(text.contains("WARNING: possible recursive locking detected"), "\(design): \(text)")
      #expect(text.contains("  lock(some_spinlock);\n  lock(some_spinlock);\n"), "\(design)")
    }
  }

  /// An ordinary call in a handler that interrupted the holder of list_lock is reported before it
  /// hangs.
  @Test func anOrdinaryCallInsideTheHolderOfItsLock() throws {
    // `cpuslab` takes list_lock elsewhere than at its probe point.
    try run("kmalloc_in_the_holder", on: ["sheaves", "tiny", "sheaves-rt", "tiny-rt"]) {
      design, _, text in
      #expect(text.contains("possible recursive locking"), "\(design): \(text)")
      #expect(text.contains("  lock(&n->list_lock);\n  lock(&n->list_lock);\n"), "\(design)")
    }
  }

  /// On RT each cache has a class of its own: with one held, another's may be waited for.
  @Test func oneCachesLineAfterAnothers() throws {
    try run("line_after_line", on: ["cpuslab-rt"]) { design, reports, text in
      #expect(reports == 0, "\(design): \(text)")
    }
  }
}
