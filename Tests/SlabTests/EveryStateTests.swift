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
  /// What is swept: a built-in name, or a design that scripts/build-subject builds.
  struct Swept: Sendable, CustomTestStringConvertible {
    let name: String
    /// States that this design does not have, each with the reason.
    var without: [String: String] = [:]
    var testDescription: String { name }
  }
  /// To have another design swept, add it here.
  static let swept = [Swept(name: "sheaves"), Swept(name: "heap")]

  /// A call's whole way through them is a few dozen instructions, so the handler itself is
  /// interrupted, too.
  static let hot = [
    "kmalloc/hit", "kfree/hit", "kmalloc_nolock/hit", "kfree_nolock/hit", "kmalloc_nolock/busy",
    "kfree_nolock/busy", "kfree_nolock/defer", "kmalloc_nolock/slab-cas", "kmalloc/spare-swap",
  ]

  private func sweep(
    _ subject: Swept, _ modes: SweptState.Modes, states: [String] = [], limit: Int = 600,
    most: Int = 150
  ) throws -> [SweptState] {
    let (_, found) = try SweptState.sweep(
      subject.name, modes: modes, limit: limit, most: most, states: states)
    let missing = found.filter { $0.missing != nil }
    #expect(
      Set(missing.map(\.name)) == Set(subject.without.keys).intersection(found.map(\.name)),
      "\(missing.compactMap(\.missing))")
    let reached = found.filter { $0.missing == nil }
    #expect(reached.count + missing.count == (states.isEmpty ? 41 : states.count))
    for state in reached {
      #expect(
        state["findings"] == 0,
        "\(subject.name) \(state.name): finding \(state["first"]) at boundary \(state["boundary"])")
      #expect(state["boundaries"] >= state["instructions"] && state["instructions"] > 20)
    }
    return reached
  }

  /// One run of each state with a handler at every boundary, and a fresh one for each boundary; for
  /// 150 of them where the call is longer than 600 instructions (the soak takes all).
  @Test(arguments: swept) func everyBoundary(_ subject: Swept) throws {
    for state in try sweep(subject, [.linear, .fresh]) {
      #expect(state["fresh_handlers"] == state["chosen"])
      #expect(state["chosen"] >= min(state["boundaries"], 100))
      // A handler's free may turn the rest of a slow call into a fast one.
      #expect(state["linear_handlers"] >= min(state["boundaries"], 20), "\(state.name)")
      // Without memory, or while a lock is held, NULL is an answer; always NULL is none.
      if !state.name.hasSuffix("/failed") && !state.name.hasSuffix("/zone-lock-held") {
        #expect(state["fresh_allocated"] > state["chosen"], "\(state.name)")
      }
      #expect(state["fresh_freed"] > 0)
    }
  }

  /// The handler interrupted at every one of its boundaries by a second one.
  @Test(arguments: swept) func theHandlerItself(_ subject: Swept) throws {
    for state in try sweep(subject, [.nested], states: Self.hot) {
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
    for state in try sweep(subject, [.frozen], most: 30) {
      #expect(state["frozen_handlers"] == state["chosen_frozen"])
      let withoutMemory = ["/failed", "/next-bucket", "/zone-lock-held"]
      if !withoutMemory.contains(where: state.name.hasSuffix) {
        #expect(state["calls"] >= state["chosen_frozen"] * 150, "\(state.name)")
      }
      // Where it holds a central lock, an ordinary caller, and the flusher is one, may wait for it.
      let answered = state["not_taken"] + state["central"]
      #expect(answered >= state["held"] || state.name.hasPrefix("thread_detach"))
      #expect(state["not_taken"] <= state["held"])
      held += state["not_taken"]
    }
    #expect(held > 200)
  }
}
