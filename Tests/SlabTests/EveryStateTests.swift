import CPlatform
import CSweep
import Foundation
import TestSupport
import Testing

/// Every state of every public call, interrupted at its instruction boundaries, each time from the
/// very state (the process is forked in the trap handler): a nolock allocation, a free of another
/// thread's object, a second allocation, a free; then books and shadow heap.  A state counts only if
/// the subject's counters say that the call was made in it.
@Suite(
  .serialized, .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"),
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: SweptState.program), "sweep is not built"))
struct EveryStateTests {
  /// What is swept: a built-in name.
  struct Swept: Sendable, CustomTestStringConvertible {
    let name: String
    /// How many states it has (Sources/Atlas, where stands why one lacks some).
    let states: Int
    /// Of calls with more boundaries than `limit`, `most` are taken; the soak takes all.
    let limit: Int
    let most: Int
    /// Boundaries at which a thread is frozen.
    let frozen: Int
    let hot: [String]
    /// Whether a remote flush finds something to take where the line is free.
    var flushes = false
    var testDescription: String { name }
    var isRT: Bool { name.hasSuffix("-rt") }
  }

  /// A call's whole way through them is a few dozen instructions, so the handler itself is
  /// interrupted, too.
  static let hotSheaves = [
    "kmalloc/hit", "kfree/hit", "kmalloc_nolock/hit", "kfree_nolock/hit", "kmalloc_nolock/busy",
    "kfree_nolock/busy", "kfree_nolock/defer", "kmalloc_nolock/slab-cas", "kmalloc/spare-swap",
  ]
  static let hotCPUSlab = [
    "kmalloc/hit", "kfree/hit", "kmalloc_nolock/hit", "kfree_nolock/hit", "kfree_nolock/busy",
    "kfree_nolock/defer", "kmalloc_nolock/regain", "kmalloc_nolock/cpu-partial", "kfree/frozen",
  ]
  static let hotTiny = [
    "kmalloc/partial", "kfree/partial", "kmalloc_nolock/partial", "kfree_nolock/defer",
    "kmalloc_nolock/last-object",
  ]

  /// Designs that share their code with one above are swept more coarsely.  In the RT forms the
  /// interrupted calls are a preemptible task's and the handler is a soft interrupt, both
  /// declared: what declares nothing is in an NMI and gets NULL in every state
  /// (PreemptRTTests.anNMIAtEveryBoundary).
  static let swept = [
    Swept(
      name: "sheaves", states: 41, limit: 600, most: 150, frozen: 15, hot: hotSheaves,
      flushes: true),
    Swept(
      name: "heap", states: 41, limit: 200, most: 60, frozen: 15, hot: hotSheaves, flushes: true),
    Swept(
      name: "gfpflag", states: 40, limit: 60, most: 20, frozen: 8, hot: Array(hotSheaves.prefix(4)),
      flushes: true),
    Swept(name: "cpuslab", states: 41, limit: 300, most: 100, frozen: 15, hot: hotCPUSlab),
    Swept(name: "tiny", states: 27, limit: 300, most: 100, frozen: 15, hot: hotTiny),
    Swept(
      name: "sheaves-rt", states: 41, limit: 60, most: 20, frozen: 8,
      hot: ["kmalloc_nolock/hit", "kfree_nolock/hit"]),
    Swept(
      name: "cpuslab-rt", states: 40, limit: 60, most: 20, frozen: 8,
      hot: ["kmalloc_nolock/hit", "kfree_nolock/hit"]),
    Swept(
      name: "tiny-rt", states: 27, limit: 60, most: 20, frozen: 8, hot: ["kfree_nolock/defer"]),
  ]

  private func sweep(
    _ subject: Swept, _ modes: SweptState.Modes, states: [String] = [], most: Int? = nil
  ) throws -> [SweptState] {
    let (_, found) = try SweptState.sweep(
      subject.name, modes: modes, limit: subject.limit, most: most ?? subject.most, states: states)
    let missing = found.compactMap(\.missing)
    #expect(missing == [])
    let reached = found.filter { $0.missing == nil }
    #expect(found.count == (states.isEmpty ? subject.states : states.count))
    for state in reached {
      #expect(
        state["findings"] == 0,
        "\(subject.name) \(state.name): finding \(state["first"]) at boundary \(state["boundary"])")
      #expect(state["boundaries"] >= state["instructions"] && state["instructions"] > 20)
    }
    return reached
  }

  /// One run of each state with a handler at every boundary, and a fresh one for each boundary, or
  /// for `most` of them.
  @Test(arguments: swept) func everyBoundary(_ subject: Swept) throws {
    var deferring: Set<String> = []
    for state in try sweep(subject, [.linear, .fresh]) {
      #expect(state["fresh_handlers"] == state["chosen"])
      #expect(state["chosen"] >= min(state["boundaries"], subject.most * 2 / 3))
      // A handler's free may turn the rest of a slow call into a fast one.
      #expect(state["linear_handlers"] >= min(state["boundaries"], 20), "\(state.name)")
      // Without memory, or while a lock is held and there is no next bucket, NULL is an answer;
      // always NULL is none.
      var unserved = ["/failed", "/zone-lock-held"]
      if subject.name == "gfpflag" { unserved.append("/list-lock-held") }
      if !unserved.contains(where: state.name.hasSuffix) {
        #expect(state["fresh_allocated"] > state["chosen"], "\(state.name)")
      }
      #expect(state["fresh_freed"] > 0)
      if state["slabs_deferred"] > 0 { deferring.insert(state.name) }
    }
    // What only a handler in the middle leads to: another slab is active when the call has one.
    let busy = subject.name.hasPrefix("cpuslab")
    let expected = Set(["new-slab", "node-partial", "attach"].map { "kmalloc_nolock/" + $0 })
    #expect(busy ? deferring.isSuperset(of: expected) : deferring.isEmpty, "\(deferring)")
  }

  /// The handler interrupted at every one of its boundaries by a second one.
  @Test(arguments: swept) func theHandlerItself(_ subject: Swept) throws {
    for state in try sweep(subject, [.nested], states: subject.hot) {
      // Per boundary: the handler, and one more at each instruction of its two calls.
      #expect(state["nested_handlers"] > state["chosen"] * 40, "\(state.name)")
    }
  }

  /// A thread stopped at a boundary keeps nobody waiting: another completes 100 nolock calls in the
  /// same cache and tries a remote flush, which says "not taken" where the line is held, and only
  /// there.
  @Test(.enabled(if: sweep_has_membarrier() == 1, "no membarrier(2) here"), arguments: swept)
  func aFrozenThread(_ subject: Swept) throws {
    var held = 0
    for state in try sweep(subject, [.frozen], most: subject.frozen) {
      #expect(state["frozen_handlers"] == state["chosen_frozen"])
      let withoutMemory = ["/failed", "/next-bucket", "/zone-lock-held"]
      if !withoutMemory.contains(where: state.name.hasSuffix) {
        // Without a next bucket a call whose bucket is busy gets nothing.
        let calls = subject.name == "gfpflag" ? 0 : 150
        #expect(state["calls"] >= state["chosen_frozen"] * calls, "\(state.name)")
      }
      guard subject.flushes else { continue }
      // Where it holds a central lock, an ordinary caller, and the flusher is one, may wait for it.
      let answered = state["not_taken"] + state["central"]
      #expect(answered >= state["held"] || state.name.hasPrefix("thread_detach"))
      #expect(state["not_taken"] <= state["held"])
      held += state["not_taken"]
    }
    #expect(held > (subject.flushes ? subject.frozen * 6 : -1))
  }
}
