import Foundation
import Statistics
import Traces

/// What a comparison will do: `comparison.json`.  Complete before the first counted sample, so that
/// the same file and the same samples give the same verdicts.
public struct ComparisonPlan: Codable, Equatable, Sendable {
  public static let schema = "nolock-comparison/1"
  public static let fileName = "comparison.json"

  /// What a pair of arms is looked at for.
  public enum Role: String, Codable, Sendable { case compared, new, copy, plant }

  /// An interval that is decided upon, per cell and metric.
  public struct Pair: Codable, Equatable, Sendable {
    /// Index of the arm and of the one it is divided by.
    public var arm: Int
    public var base: Int
    public var role: Role

    public init(arm: Int, base: Int, role: Role = .compared) {
      self.arm = arm
      self.base = base
      self.role = role
    }
  }

  /// A metric of a cell and what a difference must reach to matter.
  public struct Metric: Codable, Equatable, Sendable {
    public var name: String
    /// Relative: 0.02 = 2 %.  The margin of `compare`, the limit of `gate`.
    public var limit: Double
    /// gate: where `limit` is the soft one only, a regression warns.
    public var isSoft: Bool
    /// gate: a soft limit below the hard one.
    @Explicit public var soft: Double?
    /// gate: a limit in the metric's own unit; the greater of both holds.  It becomes a share of
    /// what the base took in the pilot sample, before the first block.  For a metric that may be 0
    /// it is the limit itself.
    @Explicit public var absolute: Double?

    /// The limit as findings have it: a logarithm, or a difference in the metric's unit.
    var threshold: Double {
      Derived.named(name)?.scale == .difference ? absolute ?? limit : log(1 + limit)
    }

    public init(
      name: String, limit: Double, isSoft: Bool = false, soft: Double? = nil,
      absolute: Double? = nil
    ) {
      self.absolute = absolute
      self.name = name
      self.limit = limit
      self.isSoft = isSoft
      self.soft = soft
    }
  }

  /// One cell: the same work for every arm.
  public struct CellPlan: Codable, Equatable, Sendable {
    /// The cell's id with `*` for the subject.
    public var id: String
    public var cell: Cell
    public var metrics: [Metric]
    /// gate: metrics that must be equal, decided by one sample of each arm.
    public var counts: [String]
    /// By arm: share of each chunk's time spent spinning.
    public var dilations: [Double]
    @Explicit public var calibration: Plan.Calibration?
    /// Operations in a chunk, the same in every arm.
    public var chunk: UInt32
    /// Blocks that the budget allows, and the looks that follow; null until calibrated.
    @Explicit public var blocks: Int?
    @Explicit public var schedule: LookSchedule?
    /// Arms that cannot run it; null where all can.
    @Explicit public var missing: [Missing]?
    /// Why nothing is measured: the base cannot run it, or no arm besides it.
    @Explicit public var reason: String?

    public init(_ cell: Cell, metrics: [Metric], counts: [String] = [], dilations: [Double]) {
      id = cell.pattern
      self.cell = cell
      self.metrics = metrics
      self.counts = counts
      self.dilations = dilations
      calibration = nil
      chunk = 0
      blocks = nil
      schedule = nil
      missing = nil
      reason = nil
    }
  }

  public var schema = ComparisonPlan.schema
  /// An arm that is not measured, because its build is another one's to the byte.
  public struct Equal: Codable, Equatable, Sendable {
    public var name: String
    public var sameAs: String

    enum CodingKeys: String, CodingKey {
      case name
      case sameAs = "same_as"
    }

    public init(name: String, sameAs: String) {
      self.name = name
      self.sameAs = sameAs
    }
  }

  /// What a gate judges: the names as they were given.
  public struct Gate: Codable, Equatable, Sendable {
    public var against: String
    public var new: String

    public init(against: String, new: String) {
      self.against = against
      self.new = new
    }
  }

  /// The patches that a series measures, as they were given.
  public struct Series: Codable, Equatable, Sendable {
    /// `BASE..TIP`; null where there are mboxes.
    @Explicit public var range: String?
    public var mboxes: [String]
    @Explicit public var base: String?
    /// How each patch is built.
    public var design: String
    public var layouts: Int

    public init(range: String?, mboxes: [String], base: String?, design: String, layouts: Int) {
      self.range = range
      self.mboxes = mboxes
      self.base = base
      self.design = design
      self.layouts = layouts
    }
  }

  public var title: String
  /// Null for what is no gate, and for what is no series.
  @Explicit public var gate: Gate?
  @Explicit public var series: Series?
  public var arms: [Arm]
  /// Booked as equal.
  public var equal: [Equal] = []
  public var pairs: [Pair]
  public var cells: [CellPlan]
  public var seed: UInt64
  /// Wall time for each cell, in seconds.
  public var budgetSeconds: Double
  /// At most so many blocks per cell, where the command says so.
  @Explicit public var largestBlocks: Int?
  public var sampleMilliseconds: Int
  /// Seeds of the layouts, as the builds were given them; empty where nothing was built.
  public var layoutSeeds: [Int]
  public var command: [String]
  public var fingerprint: Fingerprint
  @Explicit public var slabinfo: [SizeWeight]?

  public init(
    title: String, arms: [Arm], pairs: [Pair], cells: [CellPlan], seed: UInt64,
    budgetSeconds: Double, largestBlocks: Int?, layoutSeeds: [Int], command: [String],
    fingerprint: Fingerprint
  ) {
    self.title = title
    self.arms = arms
    self.pairs = pairs
    self.cells = cells
    self.seed = seed
    self.budgetSeconds = budgetSeconds
    self.largestBlocks = largestBlocks
    sampleMilliseconds = 3
    self.layoutSeeds = layoutSeeds
    self.command = command
    self.fingerprint = fingerprint
    slabinfo = nil
    gate = nil
    series = nil
  }

  /// Intervals that are decided upon: cells × metrics × pairs.
  public var decisions: Int {
    max(1, cells.reduce(0) { $0 + $1.metrics.count } * pairs.count)
  }

  /// Reads `comparison.json`.
  ///
  /// - Throws: `notFound` where there is none, `usage` where it is not one of this schema.
  public static func read(directory: String) throws(Failure) -> ComparisonPlan {
    let path = directory + "/" + fileName
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read")
    }
    guard let plan = try? JSONDecoder().decode(ComparisonPlan.self, from: data),
      plan.schema == schema
    else { throw Failure(.usage, "\(path): not a comparison of schema \(schema)") }
    return plan
  }
}
