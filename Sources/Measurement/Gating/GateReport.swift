import Foundation
import Traces

/// What a gate found.
public struct GateReport: Codable, Equatable, Sendable {
  public static let schema = "nolock-gate/1"
  public static let fileName = "gate.json"

  /// How one gated metric of one cell ended.
  public enum Outcome: String, Codable, Sendable {
    case pass, improvement, warning, regression, inconclusive, void, failed
  }

  public struct Line: Codable, Equatable, Sendable {
    public var cell: String
    public var metric: String
    /// The limit as a share, or as a difference in the metric's unit; 0 for a count.
    public var limit: Double
    public var isSoft: Bool
    /// Whether the next three are new / base, or new − base in the metric's unit.
    public var scale: Derived.Scale
    @Explicit public var ratio: Double?
    @Explicit public var low: Double?
    @Explicit public var high: Double?
    public var blocks: Int
    /// The smallest limit that the interval would have decided, as `limit`.
    @Explicit public var couldHaveShown: Double?
    /// A count of base and new, where it was gated exactly.
    @Explicit public var baseCount: UInt64?
    @Explicit public var newCount: UInt64?
    public var outcome: Outcome
    @Explicit public var copy: ControlVerdict?
    @Explicit public var plant: ControlVerdict?
    /// What happened, in words.
    public var message: String
    /// Of a regression: instructions, fast-path share, retries, deferrals, and what else changed.
    public var changes: [String]

    enum CodingKeys: String, CodingKey {
      case cell, metric, limit, scale, ratio, low, high, blocks, outcome, copy, plant, message
      case changes
      case isSoft = "is_soft"
      case couldHaveShown = "could_have_shown"
      case baseCount = "base_count"
      case newCount = "new_count"
    }
  }

  public var schema = GateReport.schema
  public var against: String
  public var new: String
  public var lines: [Line]
  public var notes: [String] = []

  public init(against: String, new: String, lines: [Line]) {
    self.against = against
    self.new = new
    self.lines = lines
  }

  /// The exit code: 2 > 8 > 3 > 7 > 4 > 0; nothing gated is void.
  public func status(failOnImprovement: Bool) -> ExitStatus {
    if lines.contains(where: { $0.outcome == .regression }) { return .regression }
    if lines.isEmpty || lines.contains(where: { $0.outcome == .void }) { return .void }
    if lines.contains(where: { $0.outcome == .failed }) { return .sampleFailed }
    if lines.contains(where: { $0.outcome == .inconclusive }) { return .inconclusive }
    if failOnImprovement, lines.contains(where: { $0.outcome == .improvement }) {
      return .improvement
    }
    return .ok
  }
}

extension GateReport.Line {
  /// A line without anything measured.
  public init(
    cell: String, metric: String, limit: Double, isSoft: Bool, blocks: Int,
    outcome: GateReport.Outcome, message: String, changes: [String]
  ) {
    self.init(
      cell: cell, metric: metric, limit: limit, isSoft: isSoft,
      scale: Derived.named(metric)?.scale ?? .ratio, ratio: nil, low: nil, high: nil,
      blocks: blocks, couldHaveShown: nil, baseCount: nil, newCount: nil, outcome: outcome,
      copy: nil, plant: nil, message: message, changes: changes)
  }

  /// A cell whose builds are the same to the byte.
  public static func identical(_ cell: ComparisonPlan.CellPlan) -> [Self] {
    func line(_ metric: String, _ limit: Double, _ isSoft: Bool) -> Self {
      Self(
        cell: cell.id, metric: metric, limit: limit, isSoft: isSoft, blocks: 0, outcome: .pass,
        message: "identical build, not measured", changes: [])
    }
    return cell.metrics.map { line($0.name, $0.limit, $0.isSoft) }
      + cell.counts.map { line($0, 0, false) }
  }
}
