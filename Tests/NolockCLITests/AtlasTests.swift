import Foundation
import Measurement
import TestSupport
import Testing

@Suite(
  "nolock atlas", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct AtlasTests {
  private func atlas(_ arguments: String...) throws -> [AtlasResult] {
    let ended = try Program.run(
      Paths.nolock, ["atlas"] + arguments + ["--format", "json"], folder: Paths.package)
    #expect(ended.status == 0, "\(ended.errors)")
    return try JSONDecoder().decode([AtlasResult].self, from: Data(ended.output.utf8))
  }

  @Test("every state of every design is reached, and two runs count the same")
  func counts() throws {
    for (subject, states) in [("sheaves", 33), ("heap", 33), ("cpuslab", 32), ("tiny", 19)] {
      let first = try atlas("--all", "--count-only", "--subject", subject)
      #expect(first.count == states)
      for result in first {
        #expect(result.reason == nil, "\(subject) \(result.operation)/\(result.state)")
        #expect(result.instructions > 0 && result.instructions <= result.traps)
      }
      #expect(try atlas("--all", "--count-only", "--subject", subject) == first)
    }
  }

  @Test("interrupts a hit before each of its instructions; bounds are the same on two runs")
  func hit() throws {
    let result = try #require(try atlas("kmalloc_nolock", "--state", "hit").first)
    #expect(result.boundaries.map(\.number) == Array(1...result.traps))
    #expect(result.boundaries.allSatisfy { $0.symbol == "nl_sheaves_kmalloc_nolock" })
    // While the line is held a handler is served by a slab and its free is deferred; else by main.
    let kinds = Set(result.boundaries.map(\.release.kind))
    #expect(kinds == [.first, .deferred])
    for boundary in result.boundaries {
      let held = boundary.release.kind == .deferred
      #expect(boundary.allocation.why.contains("line_busy") == held)
      #expect(boundary.allocation.kind == .first)
    }
    #expect(result.bound?.defects == 0)
    #expect(result.bound?.pauses == 0 && result.bound?.systemCalls == 0)
    #expect(try atlas("kmalloc_nolock", "--state", "hit").first?.bound == result.bound)
  }

  @Test("a handler that finds list_lock held goes to the next bucket")
  func nextBucket() throws {
    let result = try #require(try atlas("kmalloc_nolock", "--state", "slab-cas").first)
    let next = result.boundaries.filter { $0.allocation.kind == .nextBucket }
    #expect(!next.isEmpty)
    #expect(next.allSatisfy { $0.allocation.why.contains("list_lock_busy") })
    #expect(result.bound?.buckets == 2)
  }

  @Test("is a gate: 0 at the worst case, 2 one instruction below it")
  func gate() throws {
    let worst = try #require(
      try atlas("kfree_nolock", "--state", "busy").first?.bound?.instructions)
    let words = ["atlas", "kfree_nolock", "--state", "busy", "--max-instructions"]
    #expect(try Program.run(Paths.nolock, words + ["\(worst)"]).status == 0)
    let over = try Program.run(Paths.nolock, words + ["\(worst - 1)"])
    #expect(over.status == 2)
    #expect(over.errorLines.last?.contains("\(worst) instructions, allowed: \(worst - 1)") == true)
  }

  @Test("finds an allocator that hands an object out twice")
  func brokenTwin() throws {
    let object = try TestObjects.build(flags: ["NOLOCK_BROKEN_NO_TRYLOCK"])
    let ended = try Program.nolock(
      "atlas", "kmalloc_nolock", "--state", "hit", "--subject", "rev:" + object)
    #expect(ended.status == 3)
    let line = try #require(ended.errorLines.last)
    #expect(line.contains("DEFECT"))
    // The boundary by number, function and offset.
    let place =
      /the first: kmalloc_nolock at boundary [0-9]+, nl_sheaves_kmalloc_nolock\+0x[0-9a-f]+/
    #expect(line.contains(place), "\(line)")
    #expect(line.hasSuffix("handed out twice") || line.contains("handed out twice ("))
    #expect(ended.output.contains("handed out twice"))
    // The same object without the flag has none.
    let sound = try TestObjects.build()
    let checked = try Program.nolock(
      "atlas", "kmalloc_nolock", "--state", "hit", "--subject", "rev:" + sound)
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test(
    "linear, exhaustive and quadratic agree at every boundary that they share",
    arguments: [("kmalloc_nolock", "hit"), ("kfree_nolock", "busy"), ("kfree", "hit")])
  func modes(operation: String, state: String) throws {
    let linear = try #require(try atlas(operation, "--state", state).first)
    let exhaustive = try #require(try atlas(operation, "--state", state, "--exhaustive").first)
    let quadratic = try #require(try atlas(operation, "--state", state, "--quadratic").first)
    #expect(linear.boundaries == quadratic.boundaries)
    #expect(linear.bound == quadratic.bound && linear.bound == exhaustive.bound)
    #expect(exhaustive.boundaries.map(\.number) == Array(1...exhaustive.traps))
    let all = Dictionary(uniqueKeysWithValues: exhaustive.boundaries.map { ($0.number, $0) })
    #expect(linear.boundaries.allSatisfy { all[$0.number] == $0 })
  }

  @Test("of a loop the first, second and last round are interrupted, and it is marked ×N")
  func loops() throws {
    let result = try #require(try atlas("kmalloc", "--state", "refill").first)
    #expect(result.boundaries.count < result.traps)
    let long = result.boundaries.filter { $0.loop > 3 }
    try #require(!long.isEmpty)
    let places = Dictionary(grouping: long, by: \.address)
    #expect(places.values.allSatisfy { $0.count == 3 })
    // What is left out is just those loops' other rounds.
    let missing = places.values.map { $0[0].loop - 3 }.reduce(0, +)
    #expect(result.boundaries.count + missing == result.traps)
    let text = try Program.nolock("atlas", "kmalloc", "--state", "refill")
    let rounds = long.map(\.loop).max() ?? 0
    #expect(text.output.contains("loop ×\(rounds)"))
  }

  @Test("the long modes say their estimate first")
  func estimates() throws {
    for mode in ["exhaustive", "quadratic"] {
      let ended = try Program.nolock("atlas", "kfree", "--state", "hit", "--\(mode)")
      #expect(ended.status == 0, "\(ended.errors)")
      let line = try #require(ended.errorLines.first)
      #expect(line.contains(try Regex("\(mode): [0-9]+ boundaries in 1 states, about [0-9]+ s")))
    }
  }

  @Test("wrong words are refused with what is allowed")
  func usage() throws {
    let state = try Program.nolock("atlas", "kfree", "--state", "slab-cas")
    #expect(state.status == 64)
    #expect(state.errorLines.count == 1)
    #expect(state.errorLines[0].contains("allowed for kfree: hit, first-main"))
    let operation = try Program.nolock("atlas", "malloc")
    #expect(operation.status == 64)
    #expect(operation.errorLines[0].contains("kmalloc_nolock"))
    // A peer promises nothing in a handler.
    let peer = try Program.nolock("atlas", "kmalloc_nolock", "--state", "hit", "--subject", "glibc")
    #expect(peer.status == 8)
    #expect(peer.errorLines.last?.contains("glibc promises nothing in a signal handler") == true)
  }
}
