import Foundation
import Traces

/// What a run will do, decided before the first sample: `plan.json`.
public struct Plan: Codable, Equatable, Sendable {
  public static let schema = 1
  public static let fileName = "plan.json"

  /// What calibration chose for one comparison.
  public struct Calibration: Codable, Equatable, Sendable {
    /// Operations per thread (replay: passes), the same for every arm and block.
    public var iterations: UInt64
    /// Length of the measured part aimed at.
    public var targetNanoseconds: UInt64
    /// The arm it was done on.
    public var subject: String
    /// Operations and interrupts per thread that the calibrating sample saw.
    public var operationsPerThread: UInt64
    public var interruptsPerThread: UInt64

    enum CodingKeys: String, CodingKey {
      case iterations, subject
      case targetNanoseconds = "target_ns"
      case operationsPerThread = "operations_per_thread"
      case interruptsPerThread = "interrupts_per_thread"
    }
  }

  /// Arms that differ in the subject, in what the handler does and in the calls.
  public struct Comparison: Codable, Equatable, Sendable {
    /// The cells' id with `*` for the subject, without handler and calls.
    public var id: String
    public var arms: [PlannedCell]
    /// `nil` until it is done, and where no arm can run.
    public var calibration: Calibration?

    /// Counts are exact: one sample is enough.
    var isCounted: Bool { arms.first?.cell.counted ?? false }
  }

  /// A cell with what identifies it.
  public struct PlannedCell: Codable, Equatable, Sendable {
    public var id: String
    public var hash: String
    public var cell: Cell

    init(_ cell: Cell) {
      id = cell.id
      hash = cell.hash
      self.cell = cell
    }
  }

  public var schema = Plan.schema
  public var suite: String
  public var title: String
  public var base: String
  public var blocks: Int
  public var sampleMilliseconds: Int
  public var seed: UInt64
  /// The exact command.
  public var command: [String]
  public var comparisons: [Comparison]
  public var fingerprint: Fingerprint
  /// What the mix `slabinfo` was when the run began (it changes all the time); null iff unused.
  @Explicit public var slabinfo: [SizeWeight]?
  /// What is counted besides time; nil if nothing.
  public var counters: CounterPlan?
  /// What the interrupt sources deliver here, tried before the first sample; nil until then.
  public var rates: [DeliveredRate]?

  enum CodingKeys: String, CodingKey {
    case schema, suite, title, base, blocks, seed, command, comparisons, fingerprint, slabinfo
    case counters, rates
    case sampleMilliseconds = "sample_ms"
  }

  /// Counters are tried: events are opened here.
  ///
  /// - Throws: `usage` where the suite has no cells, a counter's name means no event, or two different cells have one id (their
  ///   traces differ only in the folder).
  public init(_ suite: Suite, command: [String], fingerprint: Fingerprint) throws(Failure) {
    self.suite = suite.name
    title = suite.title
    base = suite.base
    blocks = suite.blocks
    sampleMilliseconds = suite.sampleMilliseconds
    seed = suite.seed
    self.command = command
    self.fingerprint = fingerprint
    comparisons = []
    slabinfo = nil
    counters =
      suite.counters.isEmpty
      ? nil : try CounterPlan(suite.counters, place: suite.countersPlace)
    var ids = Set<String>()
    for cell in try suite.cells() {
      guard ids.insert(cell.id).inserted else {
        throw Failure(.usage, "suite \(suite.file): two cells are called \(cell.id)")
      }
      if let index = comparisons.firstIndex(where: { $0.id == cell.comparison }) {
        comparisons[index].arms.append(PlannedCell(cell))
      } else {
        comparisons.append(Comparison(id: cell.comparison, arms: [PlannedCell(cell)]))
      }
    }
  }

  /// The traces that the cells name, each once.
  public static func traces(_ cells: [Cell]) -> [String] {
    let mixes = cells.flatMap { [$0.mix, $0.handlerMix] }.filter { $0.hasPrefix("trace:") }
    return Set(mixes.map { String($0.dropFirst(6)) }).sorted()
  }

  /// Samples of each arm of a comparison.
  public func blocks(of comparison: Comparison) -> Int { comparison.isCounted ? 1 : blocks }

  /// Every cell, by comparison.
  public var cells: [Cell] { comparisons.flatMap { $0.arms.map(\.cell) } }

  /// The order of the arms in one block: a fresh uniform permutation (Fisher–Yates), the same
  /// whenever the plan is run.
  func order(of comparison: Comparison, block: Int) -> [Int] {
    var generator = SplitMix64(seed: derivedSeed(seed, "order", comparison.id, "\(block)"))
    return Array(comparison.arms.indices).shuffled(using: &generator)
  }

  /// The seed of every arm's workload in one block: the same for all, so all get the same work.
  func sampleSeed(of comparison: Comparison, block: Int) -> UInt64 {
    derivedSeed(seed, "sample", comparison.id, "\(block)")
  }

  /// Whether `other` would do the same: same cells, blocks, seed and programs.  The command and
  /// what calibration chose may differ.
  public func sameWork(as other: Plan) -> Bool {
    suite == other.suite && base == other.base && blocks == other.blocks && seed == other.seed
      && sampleMilliseconds == other.sampleMilliseconds
      && counters?.events.map(\.event) == other.counters?.events.map(\.event)
      && comparisons.map(\.id) == other.comparisons.map(\.id)
      && comparisons.map { $0.arms.map(\.hash) } == other.comparisons.map { $0.arms.map(\.hash) }
      && fingerprint.programs == other.fingerprint.programs
  }

  /// Reads `plan.json`.
  ///
  /// - Throws: `notFound` where there is none, `usage` where it is not a plan of this schema.
  public static func read(directory: String) throws(Failure) -> Plan {
    let path = directory + "/" + fileName
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read")
    }
    do {
      let plan = try JSONDecoder().decode(Plan.self, from: data)
      guard plan.schema == schema else {
        throw Failure(.usage, "\(path): schema \(plan.schema) found, allowed: \(schema)")
      }
      return plan
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.usage, "\(path): not a plan: \(error)")
    }
  }
}
