import Foundation
import Measurement

/// A revision built: the same code in one or more layouts.
public struct BuiltRevision: Sendable, Equatable {
  public var objects: [String]
  /// Hash of the sources, the design and the compiler.
  public var key: String
  /// Why there are fewer layouts than asked for; empty if there are not.
  public var note: String
}

/// Builds revisions with their own `scripts/build-subject`, each content once.
public struct SubjectBuilder: Sendable {
  let repository: Repository
  /// As the revision's script knows it: `sheaves`, `heap`.
  let design: String
  /// Seeds of the layouts; empty = the one that the script gives by itself.
  public let layouts: [Int]
  let cache: String
  private let compiler: String

  /// - Throws: `sampleFailed` where there is no swiftc.
  public init(_ repository: Repository, design: String, layouts: Int) throws(Failure) {
    self.repository = repository
    self.design = design
    self.layouts = layouts > 1 ? Array(1...layouts) : []
    let environment = ProcessInfo.processInfo.environment
    cache =
      environment["NOLOCK_CACHE"]
      ?? (environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache") + "/nolock"
    let version = try ToolCommand.run(["swiftc", "--version"])
    guard version.succeeded else {
      throw Failure(.sampleFailed, "swiftc --version: \(version.lastError)")
    }
    compiler = version.output
  }

  /// Builds a commit, or takes it from the cache.
  ///
  /// - Throws: `sampleFailed` with the compiler's first error line.
  public func build(commit: String, name: String) throws(Failure) -> BuiltRevision {
    let key = try repository.hash(
      try repository.contentHash(commit) + design + compiler)
    let folder = cache + "/builds/" + key
    if let kept = kept(folder, key) { return kept }
    return try repository.withWorktree(commit) { (tree) throws(Failure) in
      try build(tree: tree, into: folder, key: key, name: name)
    }
  }

  /// Builds the sources of a folder as they are now; nothing is kept from an earlier time.
  public func buildWorkingTree(_ tree: String, into folder: String, name: String) throws(Failure)
    -> BuiltRevision
  {
    try build(tree: tree, into: folder, key: "", name: name)
  }

  /// Builds the repository's sources as they are now, or takes them from the cache: the key is the
  /// files' contents.
  ///
  /// - Throws: `sampleFailed` with the compiler's first error line.
  public func buildSources(name: String) throws(Failure) -> BuiltRevision {
    let key = try repository.hash(try repository.sourcesHash() + design + compiler)
    let folder = cache + "/builds/" + key
    if let kept = kept(folder, key) { return kept }
    return try build(tree: repository.path, into: folder, key: key, name: name)
  }

  private func file(_ folder: String, _ layout: Int?) -> String {
    folder + "/" + (layout.map { "layout-\($0).so" } ?? "plain.so")
  }

  private func kept(_ folder: String, _ key: String) -> BuiltRevision? {
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    let all = layouts.map { file(folder, $0) }
    if !all.isEmpty, all.allSatisfy({ exists($0) }) {
      return BuiltRevision(objects: all, key: key, note: "")
    }
    let plain = file(folder, nil)
    guard exists(plain), layouts.isEmpty || exists(folder + "/one-layout") else { return nil }
    return BuiltRevision(
      objects: [plain], key: key, note: layouts.isEmpty ? "" : Self.oneLayout)
  }

  static let oneLayout = "its build-subject knows no NOLOCK_LAYOUT: 1 layout"

  private func build(tree: String, into folder: String, key: String, name: String)
    throws(Failure) -> BuiltRevision
  {
    let script = tree + "/scripts/build-subject"
    guard let text = try? String(contentsOfFile: script, encoding: .utf8) else {
      throw Failure(.sampleFailed, "\(name): does not build: it has no scripts/build-subject")
    }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(.notPermitted, "\(folder): \(error.localizedDescription)")
    }
    let knowsLayouts = text.contains("NOLOCK_LAYOUT")
    let seeds: [Int?] = layouts.isEmpty || !knowsLayouts ? [nil] : layouts
    var objects: [String] = []
    for seed in seeds {
      let wanted = file(folder, seed)
      objects.append(wanted)
      if key != "", FileManager.default.fileExists(atPath: wanted) { continue }
      try build(script, to: wanted, layout: seed, name: name)
    }
    let note = layouts.isEmpty || knowsLayouts ? "" : Self.oneLayout
    if !note.isEmpty { try AtomicFile.write("", to: folder + "/one-layout") }
    return BuiltRevision(objects: objects, key: key, note: note)
  }

  private func build(_ script: String, to path: String, layout: Int?, name: String)
    throws(Failure)
  {
    let temporary = "\(path).\(getpid()).tmp"
    let variables = layout.map { ["NOLOCK_LAYOUT": "\($0)"] } ?? [:]
    let result = try ToolCommand.run(
      [script, temporary, design], environment: variables, seconds: 600,
      signals: repository.signals)
    if result.interrupted { throw Failure(.interrupted, "interrupted while building \(name)") }
    guard result.succeeded else {
      try? FileManager.default.removeItem(atPath: temporary)
      let lines = (result.errors + "\n" + result.output).split(whereSeparator: \.isNewline)
      let line = lines.first { $0.contains("error:") } ?? lines.last ?? "no message"
      throw Failure(.sampleFailed, "\(name): does not build: \(line.prefix(300))")
    }
    guard unsafe rename(temporary, path) == 0 else {
      throw Failure(.notPermitted, "\(path): \(errorText(errno))")
    }
  }
}
