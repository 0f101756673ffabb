import Foundation
import Statistics

/// Measures a comparison: calibrates, fixes the looks, then blocks in fresh random order until
/// every cell is decided at a look or its budget ends.
public final class ComparisonRunner {
  public internal(set) var plan: ComparisonPlan
  public private(set) var samples: [Sample]
  public internal(set) var interrupted = false

  let tool: SampleTool
  let inputs: CellInputs
  let signals: Signals
  weak var observer: (any RunObserver)?
  private let directory: String
  private let log: SampleLog
  /// Blocks begun and valid, by cell.
  private var nextBlock: [Int] = []
  private var validBlocks: [Int] = []
  private var failedBlocks: [Int] = []
  /// Failed samples by cell and arm, in blocks that were run to their end.
  private var failures: [[Int]] = []

  /// Time of a sample on top of its measured part before it is killed.
  static let graceSeconds = 10.0
  /// A gate's cell none of whose first blocks is whole is given up.
  private static let hopeless = 3

  /// - Parameter resumed: samples of the interrupted comparison that goes on here.
  /// - Throws: `notPermitted` where the directory cannot be written.
  public init(
    _ plan: ComparisonPlan, directory: String, tool: SampleTool, inputs: CellInputs,
    signals: Signals, resumed: [Sample] = [], observer: (any RunObserver)?
  ) throws(Failure) {
    self.plan = plan
    self.directory = directory
    self.tool = tool
    self.inputs = inputs
    self.signals = signals
    self.observer = observer
    samples = resumed
    try AtomicFile.write(json: plan, to: directory + "/" + ComparisonPlan.fileName)
    log = try SampleLog(directory: directory)
  }

  /// Runs what is not yet done.
  ///
  /// - Throws: `notPermitted` where a file cannot be written or the sample program not started.
  public func run() throws(Failure) {
    for index in plan.cells.indices where plan.cells[index].countsInstructions {
      try count(index, arms: Array(plan.arms.indices))
      if interrupted { return }
    }
    try calibrate()
    if interrupted { return }
    countBlocks()
    try runBlocks()
    if interrupted || plan.gate == nil { return }
    // What a regression is made of: instructions and counters of the base and the new code.
    for index in plan.cells.indices where GateReport.isRegressed(plan, index, samples: samples) {
      try count(index, arms: [0, 1])
      if interrupted { return }
    }
  }

  private func runBlocks() throws(Failure) {
    // What an interrupted run has used is used.
    let used = samples.reduce(0) { $0 + Double($1.processNanoseconds) * 1e-9 }
    let deadline = monotonicSeconds() + plan.budgetSeconds * Double(plan.cells.count) - used
    var open = plan.cells.indices.filter { wantsMore($0) }
    while !open.isEmpty && monotonicSeconds() < deadline {
      for index in open {
        if signals.arrived {
          interrupted = true
          return
        }
        try block(index)
        if interrupted { return }
      }
      open = open.filter { wantsMore($0) }
    }
  }

  func save() throws(Failure) {
    try AtomicFile.write(json: plan, to: directory + "/" + ComparisonPlan.fileName)
  }

  /// Whether a cell is undecided and may have another block.
  private func wantsMore(_ index: Int) -> Bool {
    let cell = plan.cells[index]
    guard cell.reason == nil, let schedule = cell.schedule, let blocks = cell.blocks else {
      return false
    }
    // Counts need one block; what is single-stepped none.
    if cell.metrics.isEmpty {
      return validBlocks[index] < min(1, blocks) && failedBlocks[index] == 0
    }
    if plan.gate != nil && validBlocks[index] == 0 && failedBlocks[index] >= Self.hopeless {
      return false
    }
    // Without a look the blocks are run all the same: they are shown, and decide nothing.
    guard validBlocks[index] < max(schedule.looks.last ?? 0, schedule.looks.isEmpty ? blocks : 0)
    else { return false }
    guard schedule.isLook(validBlocks[index]) else { return true }
    return !CellFindings(plan, index, samples: samples).isDecided
  }

  private func countBlocks() {
    let blocks = plan.cells.map { BlockTable(plan, $0, samples: samples) }
    nextBlock = blocks.map { ($0.whole.last ?? -1, $0.dropped.last ?? -1) }.map { max($0, $1) + 1 }
    validBlocks = blocks.map(\.whole.count)
    failedBlocks = blocks.map(\.dropped.count)
    failures = blocks.map(\.failures)
  }

  private func block(_ index: Int) throws(Failure) {
    let cell = plan.cells[index]
    let number = nextBlock[index]
    observer?.progress(
      done: validBlocks.reduce(0, +), total: plan.cells.reduce(0) { $0 + ($1.blocks ?? 0) },
      cell: cell.id)
    // An incomplete block of an interrupted run is begun again.
    let attempt = samples.last { sample in
      sample.block == number && plan.arms.indices.contains { plan.key(cell, $0) == sample.hash }
    }.map { $0.attempt + 1 }
    var whole = true
    let order = plan.order(of: cell, block: number).filter(cell.runs)
    for (position, arm) in order.enumerated() {
      guard
        let sample = try sample(
          cell, arm, block: number, position: position, attempt: attempt ?? 0)
      else {
        interrupted = true
        return
      }
      try keep(sample)
      if sample.status != .ok {
        whole = false
        failures[index][arm] += 1
      }
    }
    nextBlock[index] += 1
    if whole { validBlocks[index] += 1 } else { failedBlocks[index] += 1 }
    guard !whole, plan.gate == nil else { return }
    let blocks = validBlocks[index] + failedBlocks[index]
    guard leaveOutFailing(index, blocks: blocks, failures: failures[index]) else { return }
    let table = BlockTable(plan, plan.cells[index], samples: samples)
    validBlocks[index] = table.whole.count
    failedBlocks[index] = table.dropped.count
    try save()
  }

  private func sample(
    _ cell: ComparisonPlan.CellPlan, _ arm: Int, block: Int, position: Int, attempt: Int
  ) throws(Failure) -> Sample? {
    let place = SamplePlace(
      cell: "\(cell.id) \(plan.arms[arm].name)", hash: plan.key(cell, arm), block: block,
      position: position, attempt: attempt, seed: plan.sampleSeed(of: cell, block: block))
    let length = cell.calibration?.targetNanoseconds ?? 3_000_000
    let layout = plan.layout(of: arm, in: cell, block: block)
    return try tool.take(
      place, try entry(cell, arm, layout, place.seed, cell.calibration, length),
      seconds: limit(length), signals: signals)
  }

  /// The watchdog's limit for a sample of that length, in seconds.
  func limit(_ nanoseconds: UInt64) -> Double {
    Self.graceSeconds + 50 * Double(nanoseconds) * 1e-9
  }

  /// What a sample of an arm is given; without a calibration it looks for the count itself.
  func entry(
    _ cell: ComparisonPlan.CellPlan, _ arm: Int, _ layout: Int, _ seed: UInt64,
    _ calibration: Plan.Calibration?, _ length: UInt64
  ) throws(Failure) -> PlanEntry {
    var work = cell.cell
    work.subject = plan.arms[arm].subject(layout: layout)
    return try inputs.entry(
      work, iterations: calibration?.iterations ?? 0, targetNanoseconds: length, seed: seed,
      dilation: Dilation(share: cell.dilations[arm], chunk: cell.chunk))
  }

  /// Books a sample.
  func keep(_ sample: Sample) throws(Failure) {
    try log.append(sample)
    samples.append(sample)
    if sample.status != .ok {
      observer?.note("\(sample.cell): \(sample.status.rawValue): \(sample.reason ?? "")")
    }
  }
}
