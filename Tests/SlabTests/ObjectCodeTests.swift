import Foundation
import Slab
import TestSupport
import Testing

/// What the any-context entry points reach, read from the object code: a claim about the source
/// would miss what the compiler adds.
@Suite(.enabled(if: ObjectCode.hasObjdump, "objdump (Debian package binutils) is not installed"))
struct SlabObjectCodeTests {
  /// The any-context entry points of every instance in an object.
  static func entryPoints(_ code: ObjectCode) -> [String] {
    code.functions.keys.filter {
      $0.wholeMatch(of: /(nolock|nl_[a-z_]+)_(kmalloc_nolock|kfree_nolock|alloc_from_sheaf|ksize)/)
        != nil
    }
  }

  /// Both forms: the package's, in this very test bundle's configuration, and Embedded Swift's.
  static func objects() throws -> [(String, ObjectCode)] {
    let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let folders = sequence(first: bundle) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }
    let program =
      folders.map { $0.appending(path: "nolock-sample").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
      ?? BuiltSubject.root.appending(path: ".build/debug/nolock-sample").path
    let subject = try BuiltSubject.build("object-code", flags: [])
    return try [program, subject].map { ($0, try #require(ObjectCode(of: $0))) }
  }

  @Test func nolockCallsReachNothingOutsideTheAllocator() throws {
    for (path, code) in try Self.objects() {
      let found = Self.entryPoints(code)
      for entry in found {
        let reached = code.reachable(from: [entry])
        // Generic code of the allocator is named for it; everything else is a finding.
        let foreign = reached.filter {
          $0 != entry && !$0.hasPrefix("$s4Slab") && !$0.hasPrefix("$e4Slab")
        }
        #expect(foreign == [], "\(path): \(entry)")
        let indirect = reached.flatMap(code.indirect)
        #expect(indirect == [], "\(path): \(entry) calls through a register")
      }
      // A revision's object holds one instance.
      // `floor` has no nolock calls.
      let all = BuiltIn.allCases.map { $0 == .floor ? 2 : 4 }.reduce(0, +)
      let expected = path.hasSuffix(".so") ? 4 : all
      #expect(found.count == expected, "\(path) has only \(found)")
    }
  }

  /// gettid, once in a thread's life; the ordinary calls wait and wake.
  @Test func theOnlySystemCallIsInAttach() throws {
    for (path, code) in try Self.objects() {
      let reached = code.reachable(from: Self.entryPoints(code))
      let calling = reached.filter { name in
        code.functions[name, default: []].contains { $0.contains("\tsyscall") }
      }
      #expect(calling.allSatisfy { $0.contains("attach") }, "\(path): \(calling)")
      #expect(!calling.isEmpty, "\(path): the search found not even gettid")
    }
  }
}
