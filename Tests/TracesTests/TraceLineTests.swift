import Testing

@testable import Traces

/// Lines of both tools, with every oddity seen in the kernel's and perf's sources.
@Suite struct TraceLineTests {
  @Test func perfAllocation() throws {
    let r = try #require(
      record(
        "            find  2345 [001]   884.712271: kmem:kmalloc: call_site=ext4_dir_open+0x1f"
          + " ptr=0xffff88811c4a1240 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL|__GFP_ZERO"
          + " node=-1 accounted=false"))
    #expect(!r.isFree && r.isPerf && r.cpu == 1 && r.size == 60)
    #expect(r.pointer == 0xffff_8881_1c4a_1240 && r.nanoseconds == 884_712_271_000)
    #expect(r.isZeroed && !r.isAccounted && r.context == .unknown)
  }

  @Test func ftraceAllocation() throws {
    let r = try #require(
      record(
        "            bash-2917    [000] .....   895.098211: kmalloc:"
          + " call_site=lsm_blob_alloc+0x3b/0x60"
          + " ptr=00000000c8a2d6aa bytes_req=11 bytes_alloc=16"
          + " gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO node=-1 accounted=true"))
    #expect(!r.isFree && !r.isPerf && r.cpu == 0 && r.size == 11 && r.pointer == 0xc8a2_d6aa)
    #expect(r.isZeroed && r.isAccounted && r.context == .task)
  }

  @Test(arguments: [
    ("kmalloc", false), ("kmalloc_node", false), ("kmem_cache_alloc", false),
    ("kmem_cache_alloc_node", false), ("kfree", true), ("kmem_cache_free", true),
  ])
  func everyEvent(_ name: String, _ isFree: Bool) throws {
    // kmem_cache_free carries the cache's name behind the pointer.
    let fields = isFree ? "ptr=0x1f name=dentry" : "ptr=0x1f bytes_req=192 bytes_alloc=192"
    for prefix in ["kmem:", ""] {
      let r = try #require(record("a 1 [002] 3.000004: \(prefix)\(name): call_site=f \(fields)"))
      #expect(r.isFree == isFree && r.pointer == 0x1f && r.size == (isFree ? 0 : 192))
    }
  }

  @Test(arguments: [
    "Web Content 12", "a-b-c-12", "[kworker/0:1] 12", "x [9] y 12",
    "kworker/u8:2-events_unbound 12",
    "<...>-12", "swapper     0", ":-1    -1", "find 12/13", "bash-12 (     12)",
    "bash-12 (-------)",
    "a 1 [000] 1.5:    99", "1 [5] 2.0: k:    99",
  ])
  func oddTasks(_ task: String) throws {
    // perf and ftrace print the name right-aligned in 16 columns.
    let padded = String(repeating: " ", count: max(0, 20 - task.count)) + task
    let r = try #require(record("\(padded) [001] 7.5: kmem:kfree: call_site=f ptr=0xab"))
    #expect(r.cpu == 1 && r.nanoseconds == 7_500_000_000 && r.pointer == 0xab)
  }

  @Test(arguments: [
    (".....", TraceEvent.Context.task), ("....", .task), ("b..1.", .task), (".N...", .task),
    ("d....", .irqsOff), ("dn.2.", .irqsOff), ("D....", .irqsOff), ("X....", .unknown),
    ("..s1.", .softirq), ("d.s2.", .softirq), ("..h..", .hardirq), ("d.H1.", .hardirq),
    ("d.Z1.", .nmi), ("d.z1.", .nmi),
  ])
  func contexts(_ column: String, _ context: TraceEvent.Context) throws {
    let r = try #require(
      record("  <idle>-0   [003] \(column)  1.000001: kfree: call_site=f ptr=0000000012345678"))
    #expect(r.context == context && r.cpu == 3)
  }

  @Test(arguments: [
    ("(nil)", UInt64(0)), ("(null)", 0), ("0000000000000000", 0), ("0x10", 16),
    ("ffff88810441e1a0", 0xffff_8881_0441_e1a0),
    ("0xFFFF", 0xffff),
  ])
  func pointers(_ text: String, _ value: UInt64) throws {
    #expect(record("a 1 [0] 1.0: kfree: call_site=f ptr=\(text)")?.pointer == value)
  }

  @Test(arguments: [
    ("GFP_KERNEL", false, false), ("GFP_NOWAIT|__GFP_ZERO|__GFP_COMP", true, false),
    ("GFP_KERNEL_ACCOUNT|__GFP_NOWARN", false, true),
    ("GFP_NOFS|__GFP_ACCOUNT", false, true), ("GFP_KERNEL|GFP_ZERO", true, false),
    ("0", false, false),
  ])
  func flags(_ text: String, _ zeroed: Bool, _ accounted: Bool) throws {
    let r = try #require(
      record("a 1 [0] 1.0: kmalloc: call_site=f [ext4] ptr=0x1 bytes_req=8 gfp_flags=\(text)"))
    #expect(r.isZeroed == zeroed && r.isAccounted == accounted)
  }

  @Test func accountedCache() {
    // SLAB_ACCOUNT caches charge without the flag.
    #expect(
      record(
        "a 1 [0] 1.0: kmem_cache_alloc: ptr=0x1 bytes_req=8 gfp_flags=GFP_KERNEL accounted=true")?
        .isAccounted == true)
  }

  @Test func timesAndPeriods() {
    #expect(record("a 1 [0] 12.123456789: kmem:kfree: ptr=0x1")?.nanoseconds == 12_123_456_789)
    #expect(record("a 1 [0] 12.000000:          1 kmem:kfree: ptr=0x1")?.pointer == 1)
  }

  @Test(arguments: [
    "a 1 [000] 1.0: sched:sched_switch: prev_comm=a [120] S ==> b",
    "a-1 [000] d..2. 1.0: sched_waking: comm=x pid=1",
    "a-1 [000] ..... 1.0: kfree <-free_it", "a-1 [000] ..... 1.0: <stack trace>", " => kfree",
    "a-1 [0] ..... 1.0: sys_getpid()",
    "a 1 [000] 1.0: kmem: x", "\tffffffff8112b3c4 kfree+0x24 ([kernel.kallsyms])",
    "               a-1  [000] ..... 1.0: tracing_mark_write: a 1 [1] 2.0: kmem:kfree: ptr=0x1",
  ])
  func otherLines(_ text: String) {
    guard case .other = classified(text) else {
      Issue.record("\(text): \(classified(text))")
      return
    }
  }

  @Test(arguments: ["", "   ", "# tracer: nop", "##### CPU 1 buffer started ####"])
  func comments(_ text: String) {
    guard case .comment = classified(text) else {
      Issue.record("\(text): \(classified(text))")
      return
    }
  }

  @Test(arguments: [
    ("CPU:0 [LOST 123 EVENTS]", UInt64(123)), ("CPU:3 [LOST EVENTS]", nil),
    ("CPU:1 [7 EVENTS DROPPED]", 7),
    ("CPU:1 [EVENTS DROPPED]", nil), ("a 1 [000] 1.0: PERF_RECORD_LOST lost 9", 9),
    ("PERF_RECORD_LOST: lost 12", 12),
  ])
  func losses(_ text: String, _ count: UInt64?) {
    guard case .lost(let found) = classified(text) else {
      Issue.record("\(text): \(classified(text))")
      return
    }
    #expect(found == count)
  }

  @Test(arguments: [
    ("hello world", "no task, [CPU] and time"),
    ("a 1 [000]: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("a 1 [0x0] 1.0: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("[000] 1.0: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("a 1 [0] 1: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("a 1 [0] 1.0000000000: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("a 1 [0] 99999999999999999999.0: kfree: ptr=0x1", "no task, [CPU] and time"),
    ("a 1 [0] 1.0: kfree: call_site=f", "no ptr"), ("a 1 [0] 1.0: kfree: ptr=", "bad ptr"),
    ("a 1 [0] 1.0: kfree: ptr=xyz", "bad ptr"),
    ("a 1 [0] 1.0: kfree: ptr=00000000000000001", "bad ptr"),
    ("a 1 [0] 1.0: kmalloc: ptr=0x1", "no bytes_req"),
    ("a 1 [0] 1.0: kmalloc: ptr=0x1 bytes_req=-1", "bad bytes_req"),
    ("a 1 [0] 1.0: kmalloc: ptr=0x1 bytes_req=16777216", "bytes_req above 16777215"),
    ("a 1 [0] 1.0: kmem:kmall", "cut off"), ("a 1 [0] 1.0:", "cut off"),
    ("a 1 [0] 1.0: kfree", "cut off"),
  ])
  func garbage(_ text: String, _ reason: String) {
    guard case .garbage(let found) = classified(text) else {
      Issue.record("\(text): \(classified(text))")
      return
    }
    #expect("\(found)" == reason)
  }

  /// No bytes may bring the parser down: random cuts and overwritten bytes of a good line.
  @Test(arguments: 1...20) func survivesDamage(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let good = Array(alloc("0xffff8881", 64, at: 5, flags: "GFP_KERNEL|__GFP_ZERO").utf8)
    for _ in 0..<200 {
      var line = Array(good[..<Int.random(in: 0...good.count, using: &random)])
      for _ in 0..<Int.random(in: 0...4, using: &random) where !line.isEmpty {
        line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      if let record = record(String(decoding: line, as: UTF8.self)) {
        #expect(record.size <= TraceEvent.maximumSize)
      }
    }
  }
}
