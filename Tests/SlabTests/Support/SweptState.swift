import Foundation
import TestSupport
import Testing

/// What the program `sweep` (Tests/Sweep) says about one state.
struct SweptState: Sendable {
  let name: String
  let values: [String: Int]
  /// Why the state was not reached; nil if it was.
  var missing: String?
  subscript(_ name: String) -> Int { values[name, default: 0] }

  /// What is done at a boundary (Tests/CSweep/include/boundaries.h).
  struct Modes: OptionSet {
    let rawValue: Int
    static let linear = Modes(rawValue: 1)
    static let fresh = Modes(rawValue: 2)
    static let nested = Modes(rawValue: 4)
    static let product = Modes(rawValue: 8)
    static let frozen = Modes(rawValue: 16)
  }

  // enum boundaries_finding.
  static let twice = 1
  static let lost = 3
  static let died = 7
  static let hung = 8

  static let program = {
    let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    let folders = sequence(first: bundle) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }
    return folders.map { $0.appending(path: "sweep").path }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
      ?? packageFolder + "/.build/debug/sweep"
  }()

  /// Sweeps `states`, or all.
  ///
  /// - Parameter object: the shared object of a subject `rev:NAME`.
  /// - Parameter limit: of a call with more boundaries `most` are taken, of loops only the first,
  ///   the second and the last turn; with `frozen`, of every call.
  static func sweep(
    _ subject: String, object: String = "-", modes: Modes, limit: Int = 600, most: Int = 150,
    states: [String] = [], size: Int = 64
  ) throws -> (status: Int32, states: [SweptState]) {
    let result = try Command.run(
      [program, subject, object, "\(size)", "\(modes.rawValue)", "\(limit)", "\(most)"] + states)
    try #require(result.status != 64, "\(result.text)")
    let lines = result.text.split(separator: "\n").compactMap { line -> SweptState? in
      let words = line.split(separator: " ")
      guard let name = words.first, name.contains("/") else { return nil }
      if words.count > 1, words[1] == "missing:" {
        return SweptState(name: String(name), values: [:], missing: String(line))
      }
      let pairs = words.dropFirst().compactMap { word -> (String, Int)? in
        let parts = word.split(separator: "=")
        guard parts.count == 2, let value = Int(parts[1]) else { return nil }
        return (String(parts[0]), value)
      }
      return SweptState(name: String(name), values: Dictionary(uniqueKeysWithValues: pairs))
    }
    return (result.status, lines)
  }
}
