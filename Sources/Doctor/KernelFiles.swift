import Foundation

/// Files of /proc and /sys, or of a copy of them below another root.
public struct KernelFiles: Sendable {
  let root: String

  /// - Parameter root: empty for the machine itself.
  public init(root: String = "") { self.root = root }

  /// The text without white space at its ends; nil iff it cannot be read.
  func text(_ path: String) -> String? {
    (try? String(contentsOfFile: root + path, encoding: .utf8))?
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func integer(_ path: String) -> Int? { text(path).flatMap { Int($0) } }

  func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: root + folder)) ?? []).sorted()
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + path) }

  /// The first `key: value` of a file.
  func value(_ key: String, in path: String) -> String? {
    for line in (text(path) ?? "").split(separator: "\n") {
      let halves = line.split(separator: ":", maxSplits: 1)
      if halves.count == 2, halves[0].trimmingCharacters(in: .whitespaces) == key {
        return halves[1].trimmingCharacters(in: .whitespaces)
      }
    }
    return nil
  }

  /// The chosen word of a file like `always [madvise] never`.
  func choice(_ path: String) -> String? {
    guard let text = text(path) else { return nil }
    guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close
    else { return text }
    return String(text[text.index(after: open)..<close])
  }
}
