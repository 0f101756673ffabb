import Foundation
import Statistics

/// Measures a comparison: calibrates, fixes the looks, then blocks in fresh random order until
/// every cell is decided at a look or its budget ends.
public final class ComparisonRunner {
  public private(set) var plan: ComparisonPlan
  public private(set) var samples: [Sample]
  public private(set) var interrupted = false

  private let tool: SampleTool
  private let inputs: CellInputs
  private let signals: Signals
  private let directory: String
  private let log: SampleLog
  private weak var observer: (any RunObserver)?
  /// Blocks begun and valid, by cell.
  private var nextBlock: [Int] = []
  private var validBlocks: [Int] = []
  private var failedBlocks: [Int] = []

  /// Time of a sample on top of its measured part before it is killed.
  private static let graceSeconds = 10.0
  /// A cell none of whose first blocks is whole is given up.
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
    try calibrate()
    if interrupted { return }
    count()
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

  private func save() throws(Failure) {
    try AtomicFile.write(json: plan, to: directory + "/" + ComparisonPlan.fileName)
  }

  /// Whether a cell is undecided and may have another block.
  private func wantsMore(_ index: Int) -> Bool {
    let cell = plan.cells[index]
    guard let schedule = cell.schedule, let blocks = cell.blocks else { return false }
    if validBlocks[index] == 0 && failedBlocks[index] >= Self.hopeless { return false }
    // Without a look the blocks are run all the same: they are shown, and decide nothing.
    guard validBlocks[index] < max(schedule.looks.last ?? 0, schedule.looks.isEmpty ? blocks : 0)
    else { return false }
    guard schedule.isLook(validBlocks[index]) else { return true }
    return !CellFindings(plan, index, samples: samples).isDecided
  }

  private func count() {
    let blocks = plan.cells.map { BlockTable(plan, $0, samples: samples) }
    nextBlock = blocks.map { ($0.whole.last ?? -1, $0.dropped.last ?? -1) }.map { max($0, $1) + 1 }
    validBlocks = blocks.map(\.whole.count)
    failedBlocks = blocks.map(\.dropped.count)
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
    for (position, arm) in plan.order(of: cell, block: number).enumerated() {
      guard
        let sample = try sample(
          cell, arm, block: number, position: position, attempt: attempt ?? 0)
      else {
        interrupted = true
        return
      }
      try log.append(sample)
      samples.append(sample)
      if sample.status != .ok {
        whole = false
        observer?.note("\(sample.cell): \(sample.status.rawValue): \(sample.reason ?? "")")
      }
    }
    nextBlock[index] += 1
    if whole { validBlocks[index] += 1 } else { failedBlocks[index] += 1 }
  }

  private func sample(
    _ cell: ComparisonPlan.CellPlan, _ arm: Int, block: Int, position: Int, attempt: Int
  ) throws(Failure) -> Sample? {
    let seed = plan.sampleSeed(of: cell, block: block)
    let layout = plan.layout(of: arm, in: cell, block: block)
    let started = Date().timeIntervalSince1970
    let before = monotonicSeconds()
    let outcome = try run(cell, arm, layout: layout, seed: seed, calibration: cell.calibration)
    var sample = Sample(
      cell: "\(cell.id) \(plan.arms[arm].name)", hash: plan.key(cell, arm), block: block,
      position: position, attempt: attempt, seed: seed, status: .failed, startedAt: started,
      processNanoseconds: UInt64((monotonicSeconds() - before) * 1e9), metrics: [], latency: [])
    switch outcome {
    case .interrupted: return nil
    case .failed(let reason, let signal):
      sample.reason = reason
      sample.signal = signal
    case .record(let record):
      sample.status = record.status
      sample.reason = record.status == .ok ? nil : record.reason
      sample.metrics = record.metrics
      sample.latency = record.buckets
    }
    return sample
  }

  private func run(
    _ cell: ComparisonPlan.CellPlan, _ arm: Int, layout: Int, seed: UInt64,
    calibration: Plan.Calibration?, target: UInt64 = 3_000_000
  ) throws(Failure) -> SampleTool.Outcome {
    var work = cell.cell
    work.subject = plan.arms[arm].subject(layout: layout)
    let length = calibration?.targetNanoseconds ?? target
    let entry = try inputs.entry(
      work, iterations: calibration?.iterations ?? 0, targetNanoseconds: length, seed: seed,
      dilation: Dilation(share: cell.dilations[arm], chunk: cell.chunk))
    return try tool.run(
      entry, seconds: Self.graceSeconds + 50 * Double(length) * 1e-9, signals: signals)
  }
}

extension ComparisonRunner {
  /// Absolute limits become relative ones, and the plant is slowed by twice the greatest.
  private func fixLimits(_ index: Int, _ record: SampleRecord) {
    let cell = plan.cells[index]
    let sample = Sample(
      cell: "", hash: "", block: 0, position: 0, attempt: 0, seed: 0, status: .ok, startedAt: 0,
      processNanoseconds: 0, metrics: record.metrics, latency: [])
    for (place, metric) in cell.metrics.enumerated() {
      guard let absolute = metric.absolute,
        let derived = Derived.all.first(where: { $0.name == metric.name }),
        let value = derived.value(of: sample, threads: cell.cell.threads), value > 0
      else { continue }
      plan.cells[index].metrics[place].limit = max(metric.limit, absolute / value)
    }
    let largest = plan.cells[index].metrics.map(\.limit).max() ?? 0
    for pair in plan.pairs where pair.role == .plant {
      plan.cells[index].dilations[pair.arm] = 2 * largest
    }
  }

  /// The iteration count of every cell, on the base; then how long a block takes; then the looks.
  private func calibrate() throws(Failure) {
    for index in plan.cells.indices
    where plan.cells[index].schedule == nil && plan.cells[index].reason == nil {
      observer?.progress(done: 0, total: 0, cell: "calibrating \(plan.cells[index].id)")
      let base = plan.pairs.first?.base ?? 0
      for length in Runner.lengths {
        guard let found = try calibration(index, base, UInt64(length) * 1_000_000) else { break }
        plan.cells[index].calibration = found
        let rare = plan.cells[index].cell.interrupts != .none
        if found.operationsPerThread >= Runner.fewestOperations
          && (!rare || found.interruptsPerThread >= Runner.fewestInterrupts)
        {
          break
        }
      }
      if interrupted { return }
      try schedule(index)
      if interrupted { return }
    }
    try save()
  }

  private func calibration(_ index: Int, _ arm: Int, _ target: UInt64) throws(Failure)
    -> Plan.Calibration?
  {
    let cell = plan.cells[index]
    let seed = derivedSeed(plan.seed, "calibration", cell.id)
    switch try run(cell, arm, layout: 0, seed: seed, calibration: nil, target: target) {
    case .interrupted:
      interrupted = true
    case .failed(let reason, _):
      plan.cells[index].reason = "\(plan.arms[arm].name): \(reason)"
    case .record(let record):
      guard record.status == .ok, let iterations = record.value("iterations"), iterations > 0,
        let operations = record.value("operations")
      else {
        plan.cells[index].reason = "\(plan.arms[arm].name): \(record.reason)"
        return nil
      }
      let threads = UInt64(cell.cell.threads)
      return Plan.Calibration(
        iterations: iterations, targetNanoseconds: target, subject: plan.arms[arm].name,
        operationsPerThread: operations / threads,
        interruptsPerThread: (record.value("handler_signals") ?? 0) / threads)
    }
    return nil
  }

  /// One sample of every arm, not counted: whether it runs, and how long a block takes.
  private func schedule(_ index: Int) throws(Failure) {
    guard let calibration = plan.cells[index].calibration else { return }
    let perThread = Double(calibration.operationsPerThread)
    let wanted = perThread * 20_000 / Double(calibration.targetNanoseconds)
    let what = plan.cells[index].cell
    let unit = [.batch, .kunit].contains(what.workload) ? what.batch : 1
    plan.cells[index].chunk = UInt32(clamping: max(1, Int(wanted) / unit) * unit)
    let cell = plan.cells[index]
    let before = monotonicSeconds()
    let base = plan.pairs.first?.base ?? 0
    for arm in plan.arms.indices {
      let seed = derivedSeed(plan.seed, "pilot", cell.id)
      switch try run(cell, arm, layout: 0, seed: seed, calibration: calibration) {
      case .interrupted:
        interrupted = true
        return
      case .failed(let reason, _): plan.cells[index].reason = "\(plan.arms[arm].name): \(reason)"
      case .record(let record) where record.status != .ok:
        plan.cells[index].reason = "\(plan.arms[arm].name): \(record.reason)"
      case .record(let record):
        if arm == base { fixLimits(index, record) }
        continue
      }
      return
    }
    let seconds = max(1e-4, monotonicSeconds() - before)
    let fits = Int(min(1e6, plan.budgetSeconds / seconds))
    let blocks = min(fits, plan.largestBlocks ?? fits)
    plan.cells[index].blocks = blocks
    plan.cells[index].schedule = LookSchedule(blocks: blocks, comparisons: plan.decisions)
  }
}
