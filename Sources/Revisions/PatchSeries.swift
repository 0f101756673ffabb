import Foundation
import Measurement

/// The patches of a series, each as a commit where it could be applied.
public struct PatchSeries: Sendable {
  public struct Patch: Sendable, Equatable {
    public var title: String
    /// `nil` where it does not apply.
    public var commit: String?
    /// Why there is no commit; empty if there is.
    public var problem: String
  }

  /// What the report calls it: the range or the mbox file.
  public var name: String
  public var base: String
  public var patches: [Patch]

  /// The commit with every patch that applied.
  public var tip: String { patches.last { $0.commit != nil }?.commit ?? base }

  /// The commits of `BASE..TIP`.
  ///
  /// - Throws: `usage` where it is no such range, `notFound` where an end is unknown or nothing is
  ///   in it.
  public init(range: String, _ repository: Repository) throws(Failure) {
    guard let dots = range.range(of: ".."), !range.contains("...") else {
      throw Failure(.usage, "series '\(range)' found, allowed: BASE..TIP")
    }
    let ends = [String(range[..<dots.lowerBound]), String(range[dots.upperBound...])].map {
      $0.isEmpty ? "HEAD" : $0
    }
    guard let base = repository.commit(ends[0]), let tip = repository.commit(ends[1]) else {
      let missing = ends.first { repository.commit($0) == nil } ?? range
      throw Failure(.notFound, "'\(missing)' is no git revision of \(repository.path)")
    }
    name = range
    self.base = base
    patches = try repository.commits("\(base)..\(tip)").map {
      Patch(title: repository.title($0), commit: $0, problem: "")
    }
    guard !patches.isEmpty else { throw Failure(.notFound, "series '\(range)': has no commits") }
  }

  /// The mails of an mbox, applied one after the other in a worktree of their own; one that does
  /// not apply is left out and the rest goes on.
  ///
  /// - Parameter base: overrides the mbox's `base-commit:`; without either it is HEAD.
  /// - Throws: `usage` where the file is no mbox of patches, `notFound` where the base is unknown.
  public init(mbox: String, base wanted: String?, _ repository: Repository) throws(Failure) {
    guard let text = try? String(contentsOfFile: mbox, encoding: .utf8) else {
      throw Failure(.usage, "mbox \(mbox): cannot be read")
    }
    let stated = text.split(whereSeparator: \.isNewline)
      .last { $0.hasPrefix("base-commit: ") }.map { String($0.dropFirst(13).prefix(40)) }
    let name = wanted ?? stated ?? "HEAD"
    guard let base = repository.commit(name) else {
      throw Failure(.notFound, "mbox \(mbox): base '\(name)' is no commit of \(repository.path)")
    }
    let mails =
      FileManager.default.temporaryDirectory.path + "/nolock-mails-\(getpid())-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: mails) }
    try? FileManager.default.createDirectory(atPath: mails, withIntermediateDirectories: true)
    let file = URL(fileURLWithPath: mbox).path
    let split = try repository.git(["mailsplit", "-o" + mails, file])
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: mails)) ?? []).sorted()
    guard split.succeeded, !names.isEmpty else {
      throw Failure(.usage, "mbox \(mbox): no mails in it: \(split.lastError)")
    }
    let files = names.map { mails + "/" + $0 }
    let patches = try repository.withWorktree(base) { (tree) throws(Failure) in
      try Self.apply(files, in: tree)
    }
    guard !patches.isEmpty else { throw Failure(.usage, "mbox \(mbox):1: no patch in it") }
    self.name = (mbox as NSString).lastPathComponent
    self.base = base
    self.patches = patches
  }

  private static func apply(_ files: [String], in tree: String) throws(Failure) -> [Patch] {
    let who = [
      "GIT_COMMITTER_NAME": "nolock series", "GIT_COMMITTER_EMAIL": "series@nolock.invalid",
      // The same mails give the same commits.
      "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
    ]
    var patches: [Patch] = []
    for file in files {
      let mail = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
      // A cover letter or a reply has no diff.
      guard mail.contains("\ndiff --git ") else { continue }
      let title = Self.title(mail)
      let applied = try ToolCommand.run(
        ["git", "-C", tree, "am", "--quiet", "--3way", "--no-gpg-sign", file], environment: who)
      guard applied.succeeded else {
        _ = try ToolCommand.run(["git", "-C", tree, "am", "--abort"])
        let lines = (applied.errors + applied.output).split(whereSeparator: \.isNewline)
        let why = lines.first { $0.hasPrefix("error:") || $0.hasPrefix("CONFLICT") } ?? lines.last
        patches.append(
          Patch(title: title, commit: nil, problem: "does not apply: \(why ?? "no message")"))
        continue
      }
      let head = try ToolCommand.run(["git", "-C", tree, "rev-parse", "HEAD"])
      patches.append(
        Patch(
          title: title, commit: head.output.trimmingCharacters(in: .whitespacesAndNewlines),
          problem: ""))
    }
    return patches
  }

  /// The subject without its `[PATCH v2 3/6]`, folded lines joined.
  static func title(_ mail: String) -> String {
    var title: String?
    for line in mail.split(separator: "\n", omittingEmptySubsequences: false) {
      if let found = title {
        guard line.hasPrefix(" ") || line.hasPrefix("\t") else { break }
        title = found + " " + line.trimmingCharacters(in: .whitespaces)
      } else if line.lowercased().hasPrefix("subject:") {
        title = line.dropFirst(8).trimmingCharacters(in: .whitespaces)
      } else if line.isEmpty {
        break
      }
    }
    guard var text = title else { return "no subject" }
    while text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      text = String(text[text.index(after: end)...]).trimmingCharacters(in: .whitespaces)
    }
    return text
  }
}

/// Which patch of one version is which of another, by `git range-diff`.
public struct PatchMatch: Sendable, Equatable, Codable {
  /// Numbers from 1; `nil` where the other version has none.
  public var old: Int?
  public var new: Int?
  /// `=` the same change, `!` changed, `<` dropped, `>` new.
  public var sign: String

  /// - Throws: `internalError` where git range-diff fails.
  public static func find(_ old: PatchSeries, _ new: PatchSeries, _ repository: Repository)
    throws(Failure) -> [PatchMatch]
  {
    let found = try repository.git([
      "range-diff", "--no-color", "--no-patch", "\(old.base)..\(old.tip)",
      "\(new.base)..\(new.tip)",
    ])
    guard found.succeeded else {
      throw Failure(.internalError, "git range-diff: \(found.lastError)")
    }
    // Positions among the applied patches → numbers in the series.
    func numbers(_ series: PatchSeries) -> [Int] {
      series.patches.enumerated().filter { $1.commit != nil }.map { $0.offset + 1 }
    }
    let (olds, news) = (numbers(old), numbers(new))
    return found.output.split(whereSeparator: \.isNewline).compactMap { line in
      // `1:  abc = 2:  def title`, `-:  ------- > 3:  …`
      let words = line.split(separator: " ")
      guard words.count >= 5, ["=", "!", "<", ">"].contains(words[2]) else { return nil }
      func number(_ word: Substring, _ all: [Int]) -> Int? {
        Int(word.dropLast()).flatMap { all.indices.contains($0 - 1) ? all[$0 - 1] : nil }
      }
      return PatchMatch(
        old: number(words[0], olds), new: number(words[3], news), sign: String(words[2]))
    }
  }
}
