import Foundation

/// What a run tells while it goes on; all calls come from the running thread.
public protocol RunObserver: AnyObject {
  /// A sample is about to start: `done` of `total` have ended.
  func progress(done: Int, total: Int, cell: String)
  /// Something worth a line: a sample failed.
  func note(_ text: String)
}

/// Runs a plan: calibrates, then block after block, one process per sample.
public final class Runner {
  public private(set) var plan: Plan
  /// Every sample so far, those of an earlier, interrupted run included.
  public private(set) var samples: [Sample]
  public private(set) var interrupted = false

  let tool: SampleTool
  let inputs: CellInputs
  let signals: Signals
  private let directory: String
  private var ledger: Ledger
  private let log: SampleLog
  private weak var observer: (any RunObserver)?
  /// Time of one sample on top of its measured part, before the watchdog kills it.
  let graceSeconds: Double

  /// - Parameters:
  ///   - resumed: the samples of the interrupted run that goes on here.
  ///   - graceSeconds: how long a sample may take beyond 50 times its measured part.
  /// - Throws: `notPermitted` where the directory cannot be written.
  public init(
    _ plan: Plan, directory: String, tool: SampleTool, inputs: CellInputs, signals: Signals,
    resumed: [Sample] = [], graceSeconds: Double = 10, observer: (any RunObserver)?
  ) throws(Failure) {
    self.plan = plan
    self.directory = directory
    self.tool = tool
    self.inputs = inputs
    self.signals = signals
    self.graceSeconds = graceSeconds
    self.observer = observer
    samples = resumed
    ledger = Ledger(resumed)
    try AtomicFile.write(json: plan, to: directory + "/" + Plan.fileName)
    log = try SampleLog(directory: directory)
  }

  /// Runs what is not yet done.  Afterwards `samples` is complete, or `interrupted` is true.
  ///
  /// - Throws: `notPermitted` where a file cannot be written or the sample program not started;
  ///   a sample that fails is a record, not an error.
  public func run() throws(Failure) {
    try tryRates()
    try calibrate()
    for block in 0..<plan.blocks {
      for comparison in plan.comparisons where block < plan.blocks(of: comparison) {
        if interrupted || signals.arrived {
          interrupted = true
          return
        }
        try run(comparison, block: block)
      }
    }
  }

  /// Says which of the rates asked for this machine does not deliver.
  private func tryRates() throws(Failure) {
    guard plan.rates == nil else { return }
    var rates: [DeliveredRate] = []
    for comparison in plan.comparisons where comparison.calibration == nil {
      guard let cell = comparison.arms.first?.cell, let wanted = DeliveredRate.cell(cell),
        !rates.contains(where: { $0.source == DeliveredRate.name(cell) })
      else { continue }
      tell("trying \(DeliveredRate.name(cell))")
      guard let found = try DeliveredRate.measure(cell, by: wanted, tool, signals) else { continue }
      if let text = found.shortfall { observer?.note(text) }
      rates.append(found)
      if signals.arrived { return }
    }
    plan.rates = rates.isEmpty ? nil : rates
  }

  private func calibrate() throws(Failure) {
    for index in plan.comparisons.indices where plan.comparisons[index].calibration == nil {
      let comparison = plan.comparisons[index]
      // A resumed run whose arms were all skipped or failed has nothing to calibrate.
      if comparison.arms.allSatisfy({ isWithdrawn($0) }) { continue }
      tell("calibrating \(comparison.id)")
      plan.comparisons[index].calibration = try calibration(of: comparison)
      if interrupted { return }
    }
    try AtomicFile.write(json: plan, to: directory + "/" + Plan.fileName)
  }

  private func run(_ comparison: Plan.Comparison, block: Int) throws(Failure) {
    if ledger.isComplete(comparison, block: block) { return }
    let attempt = ledger.attempt(comparison, block: block).map { $0 + 1 } ?? 0
    let order = plan.order(of: comparison, block: block).filter {
      !isWithdrawn(comparison.arms[$0])
    }
    for (position, arm) in order.enumerated() {
      let planned = comparison.arms[arm]
      tell(planned.id)
      guard
        let sample = try sample(
          planned, of: comparison, block: block, position: position, attempt: attempt)
      else {
        interrupted = true
        return
      }
      try log.append(sample)
      samples.append(sample)
      ledger.add(sample)
      if sample.status == .failed {
        observer?.note("\(sample.cell): failed: \(sample.reason ?? "")")
      }
    }
  }

  /// One sample; `nil` iff the run was interrupted.
  private func sample(
    _ planned: Plan.PlannedCell, of comparison: Plan.Comparison, block: Int, position: Int,
    attempt: Int
  ) throws(Failure) -> Sample? {
    let place = SamplePlace(
      cell: planned.id, hash: planned.hash, block: block, position: position, attempt: attempt,
      seed: plan.sampleSeed(of: comparison, block: block))
    if let reason = inputs.problem(planned.cell) { return Sample(place, .skipped, reason: reason) }
    let target =
      comparison.calibration?.targetNanoseconds ?? UInt64(plan.sampleMilliseconds) * 1_000_000
    let entry = try inputs.entry(
      planned.cell, iterations: comparison.calibration?.iterations ?? 0,
      targetNanoseconds: target, seed: place.seed,
      counters: plan.counters?.subset(block: block) ?? [])
    return try tool.take(
      place, entry, seconds: limit(target, planned.cell), signals: signals,
      counters: plan.counters)
  }

  /// The watchdog's limit for one sample, in seconds.
  func limit(_ targetNanoseconds: UInt64, _ cell: Cell) -> Double {
    graceSeconds + (cell.fixedIterations == nil ? 0 : 60) + Double(cell.seconds) + 50
      * Double(targetNanoseconds) * 1e-9
  }

  func interrupt() { interrupted = true }
  func note(_ text: String) { observer?.note(text) }

  func isWithdrawn(_ arm: Plan.PlannedCell) -> Bool { ledger.isWithdrawn(arm.hash) }

  private func tell(_ cell: String) {
    let (done, total) = ledger.progress(plan)
    observer?.progress(done: done, total: total, cell: cell)
  }
}
