import Foundation
import Measurement

/// The git repository of the allocator.
public struct Repository: Sendable {
  /// Its top folder.
  public let path: String
  let signals: Signals?

  /// - Throws: `notFound` where `path` is in no repository.
  public init(_ path: String, signals: Signals? = nil) throws(Failure) {
    let found = try ToolCommand.run(["git", "-C", path, "rev-parse", "--show-toplevel"])
    guard found.succeeded else {
      throw Failure(.notFound, "\(path): not in a git repository: \(found.lastError)")
    }
    self.path = found.output.trimmingCharacters(in: .whitespacesAndNewlines)
    self.signals = signals
  }

  /// The repository of the current folder, else the one this program was built in.
  ///
  /// - Throws: `notFound` where there is neither.
  public static func find(signals: Signals? = nil) throws(Failure) -> Repository {
    if let here = try? Repository(".", signals: signals),
      FileManager.default.fileExists(atPath: here.path + "/scripts/build-subject")
    {
      return here
    }
    guard let package = SuiteFinder.package else {
      throw Failure(.notFound, "no repository with scripts/build-subject here")
    }
    return try Repository(package, signals: signals)
  }

  /// Runs git in the repository.
  ///
  /// - Throws: `interrupted`; what git itself refuses is in the result.
  func git(_ words: [String], input: [UInt8] = []) throws(Failure) -> ToolCommand.Result {
    let result = try ToolCommand.run(
      ["git", "-C", path] + words, input: input, seconds: 120, signals: signals)
    if result.interrupted { throw Failure(.interrupted, "interrupted in git \(words.first ?? "")") }
    return result
  }

  /// The commit of a revision; `nil` iff git knows none of that name.
  public func commit(_ revision: String) -> String? {
    guard !revision.hasPrefix("-"),
      let found = try? git(["rev-parse", "--verify", "--quiet", "\(revision)^{commit}"]),
      found.succeeded
    else { return nil }
    return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The subject line of a commit.
  public func title(_ commit: String) -> String {
    let found = try? git(["log", "-1", "--format=%s", commit])
    return (found?.output ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// The commits of `base..tip` (or any range), oldest first; a merge is one step, as its first
  /// parent sees it.
  ///
  /// - Throws: `notFound` where an end of the range is unknown.
  public func commits(_ range: String) throws(Failure) -> [String] {
    let found = try git(["rev-list", "--reverse", "--first-parent", range, "--"])
    guard found.succeeded else {
      throw Failure(.notFound, "range '\(range)': \(found.lastError)")
    }
    return found.output.split(whereSeparator: \.isNewline).map(String.init)
  }

  /// What a subject's code is made of: the objects of these paths in a commit.
  static let contents = [
    "Sources/CNolock", "Sources/CPlatform", "Sources/Slab", "scripts/build-subject",
  ]

  /// The hash of the contents of a commit: the same for commits that differ elsewhere only.
  ///
  /// - Throws: `sampleFailed` where the commit has no build script.
  public func contentHash(_ commit: String) throws(Failure) -> String {
    var all = ""
    for path in Self.contents {
      let found = try git(["rev-parse", "--verify", "--quiet", "\(commit):\(path)"])
      guard found.succeeded else {
        throw Failure(.sampleFailed, "\(commit.prefix(12)): does not build: it has no \(path)")
      }
      all += found.output
    }
    return try hash(all)
  }

  /// The same of the files as they are now, committed or not.
  ///
  /// - Throws: `internalError` where git cannot read them.
  func sourcesHash() throws(Failure) -> String {
    let list = try git(["ls-files", "--cached", "--others", "--exclude-standard"] + Self.contents)
    let files = Set(list.output.split(whereSeparator: \.isNewline).map(String.init)).sorted()
      .filter { FileManager.default.fileExists(atPath: path + "/" + $0) }
    let hashes = try git(
      ["hash-object", "--stdin-paths"], input: Array(files.joined(separator: "\n").utf8))
    guard list.succeeded, hashes.succeeded, !files.isEmpty else {
      throw Failure(.internalError, "git hash-object failed in \(path)")
    }
    return try hash(files.joined(separator: "\n") + hashes.output)
  }

  /// git's hash of a text.
  func hash(_ text: String) throws(Failure) -> String {
    let found = try git(["hash-object", "--stdin"], input: Array(text.utf8))
    guard found.succeeded else { throw Failure(.internalError, "git hash-object failed") }
    return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Calls `body` with a detached worktree of a commit, removed afterwards.
  ///
  /// - Throws: `notPermitted` where git cannot make it, and what `body` throws.
  func withWorktree<R>(_ commit: String, _ body: (String) throws(Failure) -> R) throws(Failure)
    -> R
  {
    let folder =
      FileManager.default.temporaryDirectory.path
      + "/nolock-worktree-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let made = try git(["worktree", "add", "--quiet", "--detach", folder, commit])
    defer {
      _ = try? ToolCommand.run(["git", "-C", path, "worktree", "remove", "--force", folder])
    }
    guard made.succeeded else {
      throw Failure(.notPermitted, "worktree of \(commit.prefix(12)): \(made.lastError)")
    }
    return try body(folder)
  }
}
