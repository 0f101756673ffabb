import CPlatform
import Testing

@testable import Events

private let hasLibrary = EventNames.libraryProblem == nil

@Suite("Encoding of event names")
struct EncodingTests {
  @Test(
    "perf's generic names mean the same with and without libpfm4",
    .enabled(if: hasLibrary, "no libpfm4"), arguments: GenericEvents.names)
  func generic(name: String) throws {
    let byTable = try #require(GenericEvents.encode(EventText(name)))
    guard case .event(let byLibrary) = EventLibrary.shared.encode(name) else {
      // libpfm4 4.13 has no name for these two.
      #expect(["alignment-faults", "emulation-faults"].contains(name))
      return
    }
    #expect(byLibrary.type == byTable.type)
    #expect(byLibrary.config == byTable.config)
    #expect(byLibrary.isUserOnly && byTable.isUserOnly)
  }

  @Test("user mode unless :k says otherwise")
  func modifiers() throws {
    let plain = try EventNames.encode("cycles").flags
    #expect(plain & NL_PERF_EXCLUDE_KERNEL.rawValue != 0)
    #expect(plain & NL_PERF_EXCLUDE_USER.rawValue == 0)
    let user = try EventNames.encode("cycles:u")
    #expect(user.flags == plain)
    #expect(user.name == "cycles:u")
    let kernel = try EventNames.encode("cycles:k").flags
    #expect(kernel & NL_PERF_EXCLUDE_KERNEL.rawValue == 0)
    #expect(kernel & NL_PERF_EXCLUDE_USER.rawValue != 0)
  }

  @Test("what happens in the kernel is counted there, and :u is refused: it would read 0 for ever")
  func kernelEvents() throws {
    for name in ["context-switches", "cs", "cpu-migrations", "perf::context-switches"] {
      let event = try EventNames.encode(name)
      #expect(event.type == 1)
      #expect(!event.isUserOnly)
      #expect(event.flags & NL_PERF_EXCLUDE_USER.rawValue == 0)
    }
    let error = #expect(throws: UnknownEvent.self) { try EventNames.encode("context-switches:u") }
    #expect(error?.text.contains("would read 0 for ever") == true)
  }

  @Test("an unknown name is refused with names near it", .enabled(if: hasLibrary, "no libpfm4"))
  func near() {
    func text(_ name: String) -> String {
      do throws(UnknownEvent) {
        _ = try EventNames.encode(name)
        return "accepted"
      } catch { return error.text }
    }
    #expect(text("cycels").contains("near: cycles"))
    #expect(text("page-fault").contains("near: page-faults"))
    #expect(text("amd64_fam19h_zen5::RETIRED_INSTRUCTIONS").contains("amd64_fam19h_zen4"))
    #expect(text("qqqqqqqqqqqq").contains("is unknown (see"))
    #expect(text("").contains("no event name"))
    #expect(text("perf::page-faults:zz").contains("allowed behind page-faults"))
  }

  @Test("an event of another processor is known and absent", .enabled(if: hasLibrary, "no libpfm4"))
  func absent() throws {
    let other = try #require(
      EventLibrary.shared.pmus.first { !$0.isPresent && $0.firstEvent >= 0 && $0.name != "perf" })
    let event = try #require(EventLibrary.shared.events(of: other).first)
    let encoded = try EventNames.encode("\(other.name)::\(event.name)")
    #expect(encoded.absent?.contains(other.name) == true)
    #expect(EventTrial.problem(encoded) == encoded.absent)
  }

  @Test("a list of names: default stands for the usual ones, none stands twice")
  func lists() throws {
    let events = try EventNames.encode(all: ["default", "cycles:k"])
    #expect(events.map(\.name) == GenericEvents.standard + ["cycles:k"])
    #expect(throws: UnknownEvent.self) { try EventNames.encode(all: ["cycles", "cycles"]) }
  }

  @Test("distance of names")
  func distance() {
    #expect(EventNames.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
    #expect(EventNames.distance([], Array("abc".utf8)) == 3)
    #expect(EventNames.distance(Array("same".utf8), Array("same".utf8)) == 0)
  }
}
