import Foundation
import Testing

@testable import Measurement

@Suite("Suites")
struct SuiteTests {
  static let good = """
    title: a test
    base: glibc
    blocks: 4
    groups:
      - name: pairs
        workload: pair
        mix: [fixed:64, bpf]
        threads: [1, 2]
        subject: [sheaves, glibc]
      - workload: storm
        mix: bpf
        irq: timer
        handler: [nolock, empty]
        subject: sheaves
    """

  @Test("every combination, subjects of a comparison next to each other")
  func expand() throws {
    let suite = try Suite(yaml: Self.good, file: "x/good.yaml")
    #expect(suite.name == "good")
    let ids = try suite.cells().map(\.id)
    #expect(ids.count == 10)
    #expect(ids.first == "pair/sheaves/mix=fixed:64/threads=1")
    #expect(ids[1] == "pair/glibc/mix=fixed:64/threads=1")
    #expect(ids.contains("storm/sheaves/mix=bpf/threads=1/irq=timer:10000"))
    #expect(ids.last?.contains("handler=empty") == true)
    #expect(Set(try suite.cells().map(\.hash)).count == 10)
  }

  @Test(
    "a mistake is one line with file, line and key",
    arguments: [
      ("", "suite f.yaml:1: the file is empty"),
      ("- a", "suite f.yaml:1: not a mapping of keys"),
      ("blocks: 3", "suite f.yaml:1: key 'groups' is missing"),
      ("title: x\nblock: 3", "suite f.yaml:2: key 'block': unknown, allowed: title, base, blocks"),
      ("blocks: 0", "suite f.yaml:1: key 'blocks': '0' found, allowed: 1…100000"),
      ("blocks: [1]", "suite f.yaml:1: key 'blocks': not a single value"),
      ("base: mallloc", "suite f.yaml:1: key 'base': 'mallloc' found, allowed: sheaves"),
      ("groups: 3", "suite f.yaml:1: key 'groups': a list of groups is allowed"),
      ("groups:\n  - 7", "suite f.yaml:2: a group must be a mapping"),
      (
        "groups:\n  - workload: pair\n    thread: 2",
        "f.yaml:3: key 'thread': unknown, allowed: name"
      ),
      ("groups:\n  - workload: rcu", "f.yaml:2: key 'workload': 'rcu' found, allowed: pair, batch"),
      (
        "groups:\n  - workload: pair\n    threads:\n      - 1\n      - 0",
        "f.yaml:5: key 'threads': '0' found, allowed: 1…256"
      ),
      ("groups:\n  - workload: pair\n    rate: -1", "f.yaml:3: key 'rate': '-1' found"),
      ("groups:\n  - workload: pair\n    mix: [fixed:0]", "f.yaml:3: key 'mix': 'fixed:0' found"),
      ("groups:\n  - workload: pair\n    threads: []", "f.yaml:3: key 'threads': no value"),
      (
        "groups:\n  - workload: pair\n    mix: bpf",
        "f.yaml:2: key 'subject' is missing, allowed: sheaves"
      ),
      ("groups:\n  - workload: pair\n    subject: heap", "f.yaml:2: key 'mix' is missing"),
      ("groups:\n  - workload: replay\n    subject: heap", "f.yaml:2: key 'trace' is missing"),
      ("groups:\n  - mix: bpf\n    subject: heap", "f.yaml:2: key 'workload' is missing"),
      (
        "groups:\n  - workload: pair\n    subject: heap\n    mix: bpf\n    batch: 3",
        "f.yaml:5: key 'batch': does not apply to workload 'pair'"
      ),
      (
        "groups:\n  - workload: storm\n    subject: heap\n    mix: bpf",
        "f.yaml:2: key 'irq': 'none' found, allowed for storm: timer"
      ),
      (
        "groups:\n  - workload: churn\n    subject: heap\n    mix: bpf",
        "f.yaml:2: key 'live': 0 found, allowed for churn: 1…"
      ),
      (
        "groups:\n  - workload: storm\n    irq: breakpoint\n    function: a+b+c+d+e",
        "f.yaml:4: key 'function': 'a+b+c+d+e' found, allowed: at most 4 names"
      ),
      (
        "groups:\n  - workload: storm\n    subject: heap\n    mix: bpf\n    irq: timer\n    irq2: timer",
        "f.yaml:6: key 'irq2': 'timer' found with the same irq, allowed: another source"
      ),
      (
        "groups:\n  - workload: storm\n    irq2: step",
        "f.yaml:3: key 'irq2': 'step' found, allowed"
      ),
      (
        "groups:\n  - workload: storm\n    subject: heap\n    mix: bpf\n    irq: step\n    threads: 2",
        "f.yaml:5: key 'irq': 'step' found with workload storm, 2 threads, class nmi, allowed with"
      ),
      ("groups:\n  - workload: storm\n    burst: 1", "key 'burst': '1' found, allowed: 2…1024"),
      (
        "groups:\n  - workload: pair\n    subject: heap\n    mix: bpf\n    irq: timer\n    counted: true",
        "f.yaml:6: key 'counted': 'true' found with irq timer, 1 threads, 0 seconds, allowed with"
      ),
      ("blocks: 1\nblocks: 2", "key 'blocks' stands twice"),
      ("a: b: c", "suite f.yaml:1: "),
      ("groups: [", "suite f.yaml:"),
    ])
  func mistakes(yaml: String, message: String) {
    do throws(Failure) {
      _ = try Suite(yaml: yaml, file: "f.yaml")
      Issue.record("accepted: \(yaml)")
    } catch {
      #expect(error.status == .usage)
      #expect(error.message.contains(message), "\(error.message)")
      #expect(!error.message.contains("\n"))
    }
  }

  @Test("the suites of this package are right")
  func shipped() throws {
    for name in ["quick", "full", "long-storm", "interrupts", "kunit"] {
      let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
      let suite = try Suite(path: package + "/Benchmarks/suites/\(name).yaml")
      #expect(try !suite.cells().isEmpty)
      #expect(!suite.title.isEmpty)
    }
  }

  @Test("-p replaces values, keeps workloads, and complains where nothing is hit")
  func override() throws {
    var suite = try Suite(yaml: Self.good, file: "good.yaml")
    try suite.override("subject=heap,null")
    #expect(Set(try suite.cells().map(\.subject)) == ["heap", "null"])
    try suite.override("rate=500")
    #expect(try suite.cells().filter { $0.workload == .storm }.allSatisfy { $0.rate == 500 })
    #expect(try suite.cells().filter { $0.workload == .pair }.allSatisfy { $0.rate == 0 })
    try suite.override("workload=pair")
    #expect(try suite.cells().allSatisfy { $0.workload == .pair })
    #expect(throws: Failure.self) { try suite.override("rate=500") }
    #expect(throws: Failure.self) { try suite.override("workload=replay") }
  }

  @Test("every option of an interrupt is in the id and in the hash")
  func interrupts() throws {
    let yaml = """
      groups:
        - workload: storm
          mix: bpf
          subject: heap
          irq: [timer, breakpoint, step]
          rate: 2000
          arrivals: [periodic, burst]
          burst: 16
          class: [nmi, hardirq]
          irq_threads: first
          function: kmalloc+Instance.refill
      """
    var suite = try Suite(
      yaml: yaml.replacing("breakpoint, step", with: "breakpoint"), file: "f.yaml")
    let cells = try suite.cells()
    let start = "storm/heap/mix=bpf/threads=1/irq="
    // A breakpoint has no rate and no arrivals: they make no cells.
    #expect(
      Set(cells.map(\.id)) == [
        start + "timer:2000/irq_threads=first",
        start + "timer:2000/class=hardirq/irq_threads=first",
        start + "timer:2000/irq_threads=first/arrivals=burst:16",
        start + "timer:2000/class=hardirq/irq_threads=first/arrivals=burst:16",
        start + "breakpoint:kmalloc+Instance.refill/irq_threads=first",
        start + "breakpoint:kmalloc+Instance.refill/class=hardirq/irq_threads=first",
      ])
    #expect(Set(cells.map(\.hash)).count == 6)
    try suite.override("irq=perf")
    try suite.override("irq2=timer,tgkill")
    try suite.override("perf_mode=frequency")
    let second = try suite.cells()
    #expect(second.count == 8)
    #expect(
      second.allSatisfy { $0.irq.secondRate == 10_000 && $0.id.contains("perf_mode=frequency") })
    // Read back as written.
    let data = try JSONEncoder().encode(second)
    #expect(try JSONDecoder().decode([Cell].self, from: data) == second)
    #expect(throws: Failure.self) { try Suite(yaml: yaml, file: "f.yaml") }  // step of class hardirq
  }

  @Test("hashes of earlier results stay")
  func hashes() throws {
    // Of results/reference/goals and quick.
    var pair = Cell(subject: "sheaves", workload: .pair, mix: "fixed:64")
    pair.live = 16
    #expect(pair.hash == "3cf3b830802afec1")
    var replay = Cell(
      subject: "sheaves", workload: .replay, mix: "trace:Benchmarks/traces/hackbench.nltrace.gz")
    replay.threads = 2
    replay.interrupts = .timer
    replay.rate = 10_000
    replay.handler = .empty
    #expect(replay.hash == "c1363ba6127e9e75")
  }

  @Test("without interrupts, their options make no further cells")
  func collapse() throws {
    let yaml = """
      groups:
        - workload: pair
          mix: bpf
          subject: heap
          irq: [none, timer]
          rate: [100, 1000]
      """
    let ids = try Suite(yaml: yaml, file: "f.yaml").cells().map(\.id)
    #expect(
      ids == [
        "pair/heap/mix=bpf/threads=1", "pair/heap/mix=bpf/threads=1/irq=timer:100",
        "pair/heap/mix=bpf/threads=1/irq=timer:1000",
      ])
  }
}
