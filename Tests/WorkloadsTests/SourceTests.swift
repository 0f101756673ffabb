import CRecords
import Foundation
import TestSupport
import Testing

/// The sources that follow the foreground's own calls, bursts, classes and two sources at once: real
/// signals over the real allocator.
@Suite struct SourceTests {
  private func storm(_ change: (inout nl_plan_entry) -> Void) throws -> Sample {
    try sample(
      entry("sheaves", NL_STORM) {
        $0.threads = 1
        change(&$0)
      })
  }

  @Test func breakpointHitsEachCallAndTheCallCompletes() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_BREAKPOINT.rawValue
      set(&$0.irq_function, "kmalloc,kfree")
      $0.iterations = 500
    }
    // Where perf_event_open is not permitted the sample says so.
    if sample.status == NL_SKIPPED {
      #expect(sample.reason.hasPrefix("irq breakpoint: "))
      return
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    // The foreground's 500 pairs, and what handlers passed on and it freed: no call was lost, none
    // was interrupted twice.
    let signals = try #require(sample["handler_signals"])
    #expect(signals >= 1000)
    #expect(signals <= 1000 + sample["handler_handed"]! + 64)
    #expect(sample["handler_requested"] == nil)
  }

  @Test func breakpointRefusals() throws {
    let five = "kmalloc,kfree,kmalloc_nolock,kfree_nolock,ksize"
    let run = try SampleProgram.run(
      input: bytes(
        entry("sheaves", NL_STORM) {
          $0.irq = NL_IRQ_BREAKPOINT.rawValue
          set(&$0.irq_function, five)
        }))
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("names 5 functions, allowed: at most 4"))
    let unknown = try storm {
      $0.irq = NL_IRQ_BREAKPOINT.rawValue
      set(&$0.irq_function, "kmaloc")
    }
    #expect(unknown.status == NL_FAILED)
    #expect(unknown.reason.contains("has no function 'kmaloc', allowed: kmalloc, kfree"))
    // Near names of the object itself.
    let near = try storm {
      $0.irq = NL_IRQ_BREAKPOINT.rawValue
      set(&$0.irq_function, "Refill")
    }
    #expect(near.reason.contains("near it: ") && near.reason.contains("Instance.refill"))
    // What other designs alone have is none of this one's functions.
    let foreign = try storm {
      $0.irq = NL_IRQ_BREAKPOINT.rawValue
      set(&$0.irq_function, "CPUSlabDesign.deactivate")
    }
    #expect(foreign.reason.contains("sheaves has no function 'CPUSlabDesign.deactivate'"))
  }

  /// The subject and, of an object of its own, its path.
  private func functions(_ subject: String, _ object: String = "") throws -> [String] {
    let all = try SampleProgram.run(["--functions", subject, object])
    #expect(all.exitCode == 0)
    return String(decoding: all.output, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// A function inside the allocator by its readable name, which means the subject's own
  /// specialisation, and by its symbol: as many signals as the allocator counted calls.
  @Test(arguments: ["sheaves", "sheaves-rt"])
  func breakpointOnAFunctionInside(subject: String) throws {
    let names = try functions(subject)
    let kmalloc = "nl_\(subject.replacing("-", with: "_"))_kmalloc"
    for name in ["kmalloc", kmalloc, "Instance.refill", "Design.allocSlow"] {
      #expect(names.contains(name))
    }
    let kind = subject.hasSuffix("rt") ? "PreemptRT" : "PreemptNone"
    let symbol =
      "$s4Slab8InstanceV6refill__2of4upToSbAA6PerCPUVyxG_AA5SheafVAA5CacheVSitFAA"
      + "\(kind.utf8.count)\(kind)O_Tg5"
    // Every slow call ends in one of these; not in the RT form the spare and the barn come before.
    var slow = ["sheaf_refill", "sheaf_flush"]
    if subject.hasSuffix("rt") { slow += ["barn_get", "barn_put", "spare_swap"] }
    for (name, counters) in [
      ("Instance.refill", ["sheaf_refill"]), (symbol, ["sheaf_refill"]),
      ("Design.allocSlow,Design.freeSlow", slow), (kmalloc, []),
    ] {
      let sample = try sample(
        entry(subject, NL_BATCH, iterations: 20_000) {
          $0.irq = NL_IRQ_BREAKPOINT.rawValue
          $0.handler = NL_HANDLER_EMPTY.rawValue
          $0.batch = 1000
          set(&$0.irq_function, name)
        })
      if sample.status == NL_SKIPPED { return }
      #expect(sample.status == NL_OK, "\(name): \(sample.reason)")
      let calls = try counters.map { try #require(sample["stat.\($0)"]) }.reduce(0, +)
      #expect(sample["handler_signals"] == (counters.isEmpty ? 20_000 : calls), "\(name)")
      #expect(counters.isEmpty || calls > 0)
    }
  }

  @Test func everyDesignHasItsOwnFunctions() throws {
    for (subject, own) in [
      ("cpuslab", "CPUSlabDesign.deactivate"), ("cpuslab-rt", "CPUSlabDesign.deactivate"),
      ("sheaves+debug", "Design.allocSlow"), ("tiny", "Design.allocSlow"),
      ("gfpflag", "Design.allocSlow"), ("floor", "Instance.refill"),
    ] {
      #expect(try functions(subject).contains(own), "\(subject)")
      let known = try SampleProgram.run(["--functions", subject, "", own])
      #expect(String(decoding: known.output, as: UTF8.self) == "known\n", "\(subject)")
    }
    let sheaves = try functions("sheaves")
    #expect(!sheaves.contains("CPUSlabDesign.deactivate") && !sheaves.contains("Tiny.subject"))
  }

  /// Open loop: every arrival has a signal of its own or is counted as one with another.
  @Test func stormArrivalsAreAllAccountedFor() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_TGKILL.rawValue
      $0.irq_rate = 500_000
      $0.minimum_ns = 50_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    let sent = try #require(sample["handler_sent"])
    let merged = try #require(sample["handler_coalesced"])
    let signals = try #require(sample["handler_signals"])
    #expect(signals > 0 && sent >= signals && sent <= signals + 1)
    // No signal takes less than 2 µs.
    #expect(merged > 0)
    #expect(sent + merged <= sample["handler_requested"]! * 2)
  }

  @Test func stepInterruptsEveryInstruction() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_STEP.rawValue
      $0.iterations = 4
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    // A hit is 24 and 22 instructions; handlers make some calls slow.
    #expect(try #require(sample["handler_signals"]) >= 4 * (24 + 22))
    #expect(sample["stat.free_deferred"]! > 0)
    let run = try SampleProgram.run(
      input: bytes(
        entry("sheaves", NL_STORM, iterations: 1_000_000) { $0.irq = NL_IRQ_STEP.rawValue }))
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("allowed: one thread and 0…10000 iterations"))
  }

  @Test func burstsArriveBackToBack() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.irq_rate = 1000
      $0.irq_burst = 8
      $0.minimum_ns = 100_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    let signals = try #require(sample["handler_signals"])
    let late = try #require(sample["handler_late_max_ns"])
    #expect(late > 0)
    #expect(signals >= 8 && signals <= sample["handler_requested"]! + 16)
    // More than one signal for each timer expiry that can have been.
    #expect(signals > sample["wall_ns"]! / 1_000_000 + 1)
  }

  @Test func twoSourcesAtOnce() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.irq2 = NL_IRQ_TGKILL.rawValue
      $0.irq2_rate = 2000
      $0.minimum_ns = 50_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    let sent = try #require(sample["handler_sent"])
    #expect(sent > 0)
    // Timer signals come on top of those sent.
    #expect(sample["handler_signals"]! > sent)
  }

  @Test func onlyOneThreadIsInterrupted() throws {
    let sample = try storm {
      $0.threads = 2
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.irq_one_thread = 1
      $0.minimum_ns = 50_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_signals"]! <= sample["handler_requested"]! + 2)
  }

  @Test func hardirqNeverLandsInsideTheAllocator() throws {
    let sample = try storm {
      $0.irq = NL_IRQ_TIMER.rawValue
      $0.irq_rate = 20_000
      $0.irq_class = NL_CLASS_HARDIRQ.rawValue
      $0.minimum_ns = 200_000_000
    }
    #expect(sample.status == NL_OK, "\(sample.reason)")
    #expect(sample["handler_signals"]! > 0)
    #expect(try #require(sample["handler_masked"]) > 0)
    // No handler ever found a lock of its own thread held.
    #expect(sample["stat.line_busy"] == 0)
  }

  @Test
  func probesFireWithTheLockHeld() throws {
    let object = try TestObjects.build(flags: ["NOLOCK_PROBES"])
    let probed = try sample(
      entry("rev:probes", NL_BATCH, iterations: 2000) {
        set(&$0.object_path, object)
        $0.irq = NL_IRQ_PROBE.rawValue
        // More than the sheaves and the barn hold, so that every slow path is taken.
        $0.batch = 1000
      })
    #expect(probed.status == NL_OK, "\(probed.reason)")
    #expect(probed["probe.line_alloc"]! > 0 && probed["probe.line_free"]! > 0)
    #expect(probed["probe.list_lock"]! > 0 && probed["probe.drain"]! > 0)
    let points = probed.metrics.filter { $0.key.hasPrefix("probe.") }.values.reduce(0, +)
    #expect(points >= probed["handler_signals"]!)
    // A probe comes while the line is held, so the handler must have met it.
    #expect(probed["stat.line_busy"]! > 0)
    let without = try storm { $0.irq = NL_IRQ_PROBE.rawValue }
    #expect(without.status == NL_SKIPPED)
    #expect(without.reason.contains("-D NOLOCK_PROBES"))
  }
}
