import Foundation

/// A small allocator in C that works in any context, and its defects (Fixtures/subject.c.txt).
public enum FixtureSubject {
  public static let source = packageFolder + "/Tests/TestSupport/Fixtures/subject.c.txt"

  /// Compiles it to a new shared object; the caller removes it.
  ///
  /// - Parameter defects: its macros, `NAME` or `NAME=VALUE`.
  public static func build(_ defects: String..., to path: String? = nil) throws -> String {
    let output =
      path ?? FileManager.default.temporaryDirectory.path
      + "/nolock-fixture-\(UUID().uuidString).so"
    let built = try Command.run(
      [
        "clang", "-x", "c", "-O1", "-fPIC", "-shared", "-Wl,-z,now", "-Wl,-Bsymbolic",
        "-I", packageFolder + "/Sources/CNolock/include", source, "-o", output,
      ] + defects.map { "-D" + $0 })
    guard built.status == 0 else { throw BuildFailure(text: built.text) }
    return output
  }
}
