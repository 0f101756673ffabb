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

  /// Names outside the allocator that a nolock call may reach, each with the reason.  Whoever adds
  /// one claims that it takes no lock, allocates nothing and binds nothing lazily.
  static let allowed = [
    // Of the checked instance only, where it ends the process, if a finding is to be deadly.
    "nl_write_error": "_debug_"
  ]

  /// The package's in this very test bundle's configuration, a release build if there is one of these
  /// sources, and Embedded Swift's: a subject and the library.
  static func paths() throws -> [String] {
    let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let folders = sequence(first: bundle) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }
    let program =
      folders.map { $0.appending(path: "nolock-sample").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
      ?? packageFolder + "/.build/debug/nolock-sample"
    let subject = try TestObjects.build()
    let library = try LibraryTests.prefix.get() + "/lib/libnolock.so"
    return [program, subject, library] + (release.map { [$0] } ?? [])
  }

  /// nil if it is not built, or older than the allocator.
  static let release: String? = {
    let path = URL(filePath: packageFolder + "/.build/release/nolock-sample")
    func date(_ url: URL) -> Date? {
      let values = try? url.resourceValues(forKeys: [.contentModificationDateKey])
      return values?.contentModificationDate
    }
    let sources = URL(filePath: packageFolder + "/Sources/Slab")
    let files = FileManager.default.enumerator(
      at: sources, includingPropertiesForKeys: [.contentModificationDateKey])
    guard let built = date(path), let files else { return nil }
    let isOld = files.contains { ($0 as? URL).flatMap(date).map { $0 > built } ?? false }
    return isOld ? nil : path.path
  }()

  static func objects() throws -> [(String, ObjectCode)] { try all.get() }
  private static let all = Result {
    try paths().map { path in (path, try #require(ObjectCode(of: path))) }
  }

  @Test func nolockCallsReachNothingOutsideTheAllocator() throws {
    for (path, code) in try Self.objects() {
      let found = Self.entryPoints(code)
      for entry in found {
        let reached = code.reachable(from: [entry])
        // Generic code of the allocator is named for it; everything else is a finding.
        let foreign = reached.filter {
          $0 != entry && !$0.hasPrefix("$s4Slab") && !$0.hasPrefix("$e4Slab")
            && Self.allowed[$0].map(entry.contains) != true
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

  /// What besides attach makes a system call in a nolock call of the RT forms, and for which entry
  /// points.  All of it lies behind the test for a declared context: undeclared, hard IRQ and NMI
  /// touch no lock there (PreemptRTTests).
  static let rtCalls = [
    // futex(FUTEX_UNLOCK_PI): a lock that a trylock took, given back while another task waits for
    // it.  In the kernel, too, the unlock of a task or softirq may wake.
    "10wakeWaiter": "_rt_",
    // futex(FUTEX_LOCK_PI, FUTEX_WAIT): cpuslab-rt waits for another task's line in a declared
    // preemptible task.
    "16acquireInherited": "nl_cpuslab_rt_kmalloc_nolock",
  ]

  /// gettid, once in a thread's life; the ordinary calls wait and wake.
  @Test func theOnlySystemCallIsInAttach() throws {
    for (path, code) in try Self.objects() {
      var found: Set<String> = []
      for entry in Self.entryPoints(code) {
        let calling = code.reachable(from: [entry]).filter { name in
          code.functions[name, default: []].contains { $0.contains("\tsyscall") }
        }
        found.formUnion(calling)
        let unexpected = calling.filter { name in
          !name.contains("attach") && Self.allowed[name].map(entry.contains) != true
            && !Self.rtCalls.contains { name.contains($0) && entry.contains($1) }
        }
        #expect(unexpected == [], "\(path): \(entry)")
      }
      #expect(!found.isEmpty, "\(path): the search found not even gettid")
      // The package has the RT forms: a list that nothing matches would allow for ever.
      if path.hasSuffix("nolock-sample") {
        for call in Self.rtCalls.keys { #expect(found.contains { $0.contains(call) }, "\(call)") }
      }
    }
  }

  /// An ordinary call does reach libc, through its stubs: what the search above would show.
  @Test func theSearchSeesLibc() throws {
    for (path, code) in try Self.objects() where path.hasSuffix(".so") {
      let roots = ["nolock_kmalloc", "nl_sheaves_kmalloc"]
      let stubs = code.reachable(from: roots.filter { code.functions[$0] != nil })
        .filter { $0.hasSuffix("@plt") }
      #expect(stubs.contains { $0.hasPrefix("pthread_") }, "\(path): \(stubs)")
    }
  }

  /// The general model's first touch of a variable may allocate, so there must be none of it; nor a
  /// function that is bound at its first call.
  @Test func nothingIsBoundOrMadeLazily() throws {
    for path in try Self.paths() where path.hasSuffix(".so") {
      let relocations = try Command.run(["readelf", "-rW", path]).text
      #expect(relocations.contains("R_X86_64_TPOFF64"))
      #expect(!relocations.contains("R_X86_64_DTPMOD64") && !relocations.contains("TLSDESC"))
      let dynamic = try Command.run(["readelf", "-dW", path]).text
      #expect(dynamic.contains("BIND_NOW") && dynamic.contains("STATIC_TLS"))
    }
    for (path, code) in try Self.objects() {
      let reached = code.reachable(from: Self.entryPoints(code))
      #expect(!reached.contains { $0.contains("__tls_get_addr") }, "\(path)")
    }
  }
}
