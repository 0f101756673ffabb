import Foundation
import TestSupport
import Testing

/// libnolock as a C program meets it: what scripts/build-library installs.
@Suite(.serialized) struct LibraryTests {
  static let prefix = Result {
    try TestObjects.once("library") { [packageFolder + "/scripts/build-library", $0] }
  }

  static let hasPkgConfig = (try? Command.run(["pkg-config", "--version"]))?.status == 0

  /// Every function that the header declares, `nolock_subject` among them.
  private func declared() throws -> Set<String> {
    let header = try String(
      contentsOfFile: Self.prefix.get() + "/include/nolock.h", encoding: .utf8)
    return Set(header.matches(of: /\b(nolock_[a-z_]+)\(/).map { String($0.output.1) })
  }

  private func symbols(_ arguments: [String]) throws -> [[Substring]] {
    let result = try Command.run(["nm"] + arguments)
    try #require(result.status == 0, "\(result.text)")
    return result.text.split(separator: "\n").map { $0.split(separator: " ") }
  }

  @Test func onlyTheHeadersNamesAreVisible() throws {
    let names = try declared()
    #expect(names.count == 22)
    let dynamic = try symbols(["-D", "--defined-only", Self.prefix.get() + "/lib/libnolock.so"])
      .filter { $0.count == 3 && $0[1].allSatisfy(\.isUppercase) }
    #expect(Set(dynamic.map { String($0[2]) }) == names)
    let archive = try symbols(["-g", "--defined-only", Self.prefix.get() + "/lib/libnolock.a"])
      .filter { $0.count == 3 }
    #expect(Set(archive.map { String($0[2]) }) == names)
  }

  /// No Swift runtime: libc's functions are all that either form leaves open.
  @Test func itNeedsLibcOnly() throws {
    let needed = try Command.run(["readelf", "-d", Self.prefix.get() + "/lib/libnolock.so"]).text
      .split(separator: "\n").filter { $0.contains("(NEEDED)") }
    #expect(needed.count == 1 && needed[0].contains("[libc.so.6]"), "\(needed)")
    let open = try symbols(["-u", Self.prefix.get() + "/lib/libnolock.a"])
      .compactMap { $0.last.map(String.init) }.filter { !$0.hasSuffix(":") }
    #expect(!open.isEmpty && open.allSatisfy { !$0.contains("swift") && !$0.hasPrefix("$") })
  }

  @Test func itIsSmall() throws {
    for file in ["libnolock.so", "libnolock.a"] {
      let path = try Self.prefix.get() + "/lib/\(file)"
      let size = try Data(contentsOf: URL(filePath: path)).count
      #expect(size > 10_000 && size < 150_000, "\(file): \(size) bytes")
    }
  }

  /// The first call of the process inside a handler, then a storm on two threads.
  @Test(
    .enabled(if: hasPkgConfig, "pkg-config is not installed"), arguments: ["shared", "static"])
  func aProgramOfPkgConfigRunsTheStorm(_ form: String) throws {
    let prefix = try Self.prefix.get()
    let source = packageFolder + "/docs/demo/library.c"
    let program = TestObjects.folder + "/library-\(form)"
    let words =
      form == "shared"
      ? "$(pkg-config --cflags --libs nolock) -Wl,-rpath,\(prefix)/lib"
      : "$(pkg-config --cflags nolock) \(prefix)/lib/libnolock.a"
    let compiled = try Command.run([
      "PKG_CONFIG_PATH=\(prefix)/lib/pkgconfig", "sh", "-c",
      "clang -O2 -Wall -Wextra -Werror '\(source)' \(words) -pthread -o '\(program)'",
    ])
    try #require(compiled.status == 0, "\(compiled.text)")
    let result = try Command.run(["timeout", "60", program])
    #expect(result.status == 0, "\(result.text)")
    #expect(result.text.contains(" 0 failures"), "\(result.text)")
  }
}
