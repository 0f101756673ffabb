import Foundation

/// The top folder of this package.
public let packageFolder = String(
  #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 })

/// What the compiler said.
public struct BuildFailure: Error {
  public let text: String
}

/// The allocator as shared objects and C programs beside them, each built once for this process.
public enum TestObjects {
  /// A folder of this process, removed when it ends.
  public static let folder: String = {
    let path = FileManager.default.temporaryDirectory.path + "/nolock-test-objects-\(owner)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit {
      // Not a child that a test forked.
      if getpid() == owner { try? FileManager.default.removeItem(atPath: folder) }
    }
    return path
  }()
  private static let owner = getpid()
  /// One build at a time: two cores are few, and two tests may want the same.
  private static let lock = NSRecursiveLock()

  /// The working tree's allocator, by scripts/build-subject.
  ///
  /// - Parameters:
  ///   - design: with its suffixes, as the script takes it: `heap`, `sheaves+lockdep`.
  ///   - flags: conditions of the sources: `NOLOCK_BROKEN_NO_TRYLOCK`.
  ///   - layout: `NOLOCK_LAYOUT`.
  /// - Throws: `BuildFailure`.
  public static func build(
    _ design: String = "sheaves", flags: [String] = [], layout: Int? = nil
  ) throws -> String {
    let name = ([design] + flags + (layout.map { ["layout", "\($0)"] } ?? []))
      .joined(separator: "-")
    return try once(name + ".so") { path in
      (layout.map { ["NOLOCK_LAYOUT=\($0)"] } ?? [])
        + [packageFolder + "/scripts/build-subject", path, design] + flags.flatMap { ["-D", $0] }
    }
  }

  /// A C program of one source that finds its subject by dlopen.
  ///
  /// - Parameters:
  ///   - source: its path in this package.
  ///   - more: further words for the compiler.
  /// - Throws: `BuildFailure`.
  public static func program(_ source: String, _ more: String...) throws -> String {
    let name = URL(filePath: source).deletingPathExtension().lastPathComponent
    return try once(name) { path in
      [
        "clang", "-O2", "-Wall", "-Werror", packageFolder + "/" + source, "-o", path, "-ldl",
        "-pthread",
      ] + more
    }
  }

  /// The path of a file of the folder that a command makes, unless it is there.
  public static func once(_ name: String, _ command: (_ path: String) -> [String]) throws -> String
  {
    lock.lock()
    defer { lock.unlock() }
    let path = folder + "/" + name
    if FileManager.default.fileExists(atPath: path) { return path }
    let built = try Command.run(command(path))
    guard built.status == 0 else { throw BuildFailure(text: "\(name): \(built.text)") }
    return path
  }
}
