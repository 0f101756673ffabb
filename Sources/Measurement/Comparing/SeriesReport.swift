import Traces

/// What a patch series costs, patch by patch: the JSON of `nolock series`.
public struct SeriesReport: Codable, Equatable, Sendable {
  public static let schema = "nolock-series/1"
  public static let fileName = "series.json"

  /// A patch's effect in one cell; null where it was not measured.
  public struct Effect: Codable, Equatable, Sendable {
    public var cell: String
    /// Against the patch before it.
    @Explicit public var patch: ComparisonReport.Line?
    /// Against the base of the series.
    @Explicit public var cumulative: ComparisonReport.Line?

    public init(cell: String, patch: ComparisonReport.Line?, cumulative: ComparisonReport.Line?) {
      self.cell = cell
      self.patch = patch
      self.cumulative = cumulative
    }
  }

  public struct Patch: Codable, Equatable, Sendable {
    public var number: Int
    public var title: String
    @Explicit public var commit: String?
    /// Does not apply, does not build; null where it was measured.
    @Explicit public var problem: String?
    public var effects: [Effect]

    public init(number: Int, title: String, commit: String?, problem: String?, effects: [Effect]) {
      self.number = number
      self.title = title
      self.commit = commit
      self.problem = problem
      self.effects = effects
    }

    /// Cells in which this patch makes it slower.
    public var slower: [Effect] {
      effects.filter { $0.patch.map { $0.verdict == .slower && !$0.isVoid } ?? false }
    }
  }

  public struct Version: Codable, Equatable, Sendable {
    public var name: String
    public var base: String
    public var patches: [Patch]

    public init(name: String, base: String, patches: [Patch]) {
      self.name = name
      self.base = base
      self.patches = patches
    }
  }

  /// A patch of the older version and its like in the newer one.
  public struct Match: Codable, Equatable, Sendable {
    @Explicit public var old: Int?
    @Explicit public var new: Int?
    /// range-diff's sign: `=`, `!`, `<`, `>`.
    public var sign: String
    /// The newer against the older, each with all patches before it.
    public var lines: [ComparisonReport.Line]

    public init(old: Int?, new: Int?, sign: String, lines: [ComparisonReport.Line]) {
      self.old = old
      self.new = new
      self.sign = sign
      self.lines = lines
    }
  }

  public var schema = SeriesReport.schema
  public var versions: [Version]
  public var matches: [Match]
  public var notes: [String]

  public init(versions: [Version], matches: [Match], notes: [String]) {
    self.versions = versions
    self.matches = matches
    self.notes = notes
  }

  /// The patches that make a cell slower, in words; empty iff none does.
  public var culprits: [String] {
    versions.flatMap { version in
      version.patches.filter { !$0.slower.isEmpty }.map { patch in
        let cells = patch.slower.map { effect in
          let line = effect.patch
          let equal = line?.scale == .difference ? 0.0 : 1
          let low = line?.low.map { share($0 - equal) } ?? "?"
          let high = line?.high.map { share($0 - equal) } ?? "?"
          return "\(effect.cell) by \(low) to \(high)"
        }
        return "\(version.name) \(patch.number)/\(version.patches.count) \"\(patch.title)\": "
          + "slower in " + cells.joined(separator: ", ")
      }
    }
  }

  /// Whether a patch does not apply or build.
  public var hasProblems: Bool {
    versions.contains { $0.patches.contains { $0.problem != nil } }
  }
}
