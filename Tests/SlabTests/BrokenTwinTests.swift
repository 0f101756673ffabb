import CPlatform
import CSweep
import TestSupport
import Testing

extension AllocatorTests {
  /// The code with one rule broken (Sources/Slab/Debug/BrokenTwins.swift) must be caught by the
  /// very test that the sound code passes.  Each runs in a process of its own.
  @Suite(.serialized) struct BrokenTwins {
    private func run(_ object: String, _ arguments: [String]) throws -> (
      status: Int32, text: String
    ) {
      let sweep = packageFolder + "/Tests/CSweep"
      let platform = packageFolder + "/Sources/CPlatform"
      let program = try TestObjects.program(
        "Tests/SlabTests/Fixtures/twin.c", "\(sweep)/sweep.c", "\(sweep)/race.c",
        "\(platform)/step.c", "-I", sweep + "/include", "-I", platform + "/include", "-Wl,-z,now")
      return try Command.run([program, object] + arguments)
    }

    /// 0: no violation.  Anything else but 2 is a catch: a violation, or a crash.
    private func expect(_ object: String, _ arguments: [String], caught: Bool) throws {
      let result = try run(object, arguments)
      #expect(result.status != 2, "\(result.text)")
      #expect((result.status != 0) == caught, "\(result.status): \(result.text)")
    }

    @Test(.enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"))
    func withoutTheTrylock() throws {
      let sound = try TestObjects.build()
      try expect(sound, ["sweep"], caught: false)
      let twin = try TestObjects.build(flags: ["NOLOCK_BROKEN_NO_TRYLOCK"])
      try expect(twin, ["sweep"], caught: true)
    }

    /// Twins that a handler at one boundary shows, or one at each: deterministic, on one busy CPU as well.
    struct SteppedTwin: Sendable, CustomTestStringConvertible {
      var design = "sheaves"
      let broken: String
      let state: String
      let modes: SweptState.Modes
      /// What the sweep must say (Tests/CSweep/include/boundaries.h).
      let findings: Set<Int>
      var testDescription: String { "\(design) \(broken)" }
    }

    static let steppedTwins = [
      SteppedTwin(
        broken: "NOLOCK_BROKEN_NO_TRYLOCK", state: "kmalloc/hit", modes: [.fresh],
        findings: [SweptState.twice]),
      SteppedTwin(
        broken: "NOLOCK_BROKEN_EARLY_UNLOCK", state: "kmalloc_nolock/hit", modes: [.fresh],
        findings: [SweptState.twice]),
      SteppedTwin(
        broken: "NOLOCK_BROKEN_LATE_DETACH", state: "barrier/drain", modes: [.fresh],
        findings: [SweptState.lost]),
      // The drain follows what stands in a live object's middle: it may crash as well.
      SteppedTwin(
        broken: "NOLOCK_BROKEN_NO_PENDING", state: "kfree_nolock/defer", modes: [.frozen],
        findings: [SweptState.lost, SweptState.died, SweptState.hung, SweptState.twice]),
    ]

    /// One handler leaves the line with what the next must not touch: so the run with all of them.
    static let perCPUSlabTwin = SteppedTwin(
      design: "cpuslab", broken: "NOLOCK_BROKEN_NO_TRYLOCK", state: "kmalloc_nolock/regain",
      modes: [.linear], findings: [SweptState.died, SweptState.twice])

    @Test(
      .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"),
      arguments: steppedTwins + [perCPUSlabTwin])
    func shownByHandlers(_ twin: SteppedTwin) throws {
      // A window may be of one instruction.
      let every = 600
      let sound = try TestObjects.build(twin.design)
      let passed = try SweptState.sweep(
        "rev:sound", object: sound, modes: twin.modes, most: every, states: [twin.state])
      #expect(passed.status == 0 && passed.states.first?["findings"] == 0)
      let object = try TestObjects.build(twin.design, flags: [twin.broken])
      let caught = try SweptState.sweep(
        "rev:twin", object: object, modes: twin.modes, most: every, states: [twin.state])
      let state = try #require(caught.states.first)
      #expect(caught.status == 1 && state["findings"] > 0)
      #expect(twin.findings.contains(state["first"]), "finding \(state["first"])")
    }

    struct Twin: Sendable {
      let broken: String
      /// What makes owner and flusher meet in the window; the sound code must pass with it, too.
      let help: [String]
      /// The flusher's pause, at most so many loops.
      let gap: String
    }

    static let twins = [
      Twin(broken: "NOLOCK_BROKEN_ONE_MEMBARRIER", help: ["NOLOCK_WIDEN_STORES"], gap: "0"),
      Twin(broken: "NOLOCK_BROKEN_NO_RECHECK", help: ["NOLOCK_WIDEN_BOUNDS"], gap: "65536"),
      Twin(broken: "NOLOCK_BROKEN_EARLY_REQUEST", help: ["NOLOCK_WIDEN_LOCK"], gap: "65536"),
    ]

    @Test(.enabled(if: sweep_has_membarrier() == 1, "no membarrier(2) here"), arguments: twins)
    func ofTheBiasedLock(_ twin: Twin) throws {
      let sound = try TestObjects.build(flags: twin.help)
      try expect(sound, ["race", "1", twin.gap], caught: false)
      let broken = try TestObjects.build(flags: [twin.broken] + twin.help)
      // Within seconds on two free CPUs; while others use them it takes luck, and time.
      try expect(broken, ["race", "200", twin.gap], caught: true)
    }
  }
}
