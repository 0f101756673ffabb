import Foundation

/// What an interrupt source delivers here, at the rate that cells ask for, to a handler that does
/// nothing: what the allocator's handlers get cannot be more.
public struct DeliveredRate: Codable, Equatable, Sendable {
  /// `timer:10000 threads=2`, with what differs from the default.
  public var source: String
  /// Signals per interrupted thread and second: the rates of all sources, a burst's signals each.
  public var requested: Double
  public var delivered: Double
  /// Share of the arrivals that had no signal of their own; nil where the source cannot tell.
  public var coalescedShare: Double?
  /// perf: `cycles` or `cpu-clock`.
  public var event: String?

  enum CodingKeys: String, CodingKey {
    case source, event
    case requested = "requested_per_s"
    case delivered = "delivered_per_s"
    case coalescedShare = "coalesced_share"
  }

  /// Below this share of what was asked for it is said.
  static let enough = 0.9

  /// What is said before the run; nil where the machine delivers.
  public var shortfall: String? {
    guard delivered < Self.enough * requested else { return nil }
    return "irq \(source): \(plain(requested.rounded())) signals per second and thread asked for, "
      + "this machine delivers \(plain(delivered.rounded()))" + (event.map { " (\($0))" } ?? "")
      + "; the rest come late or as one"
  }

  /// Cells of one name have one rate.
  static func name(_ cell: Cell) -> String {
    var words = ["\(cell.interrupts.rawValue):\(plain(cell.rate))", "threads=\(cell.threads)"]
    if cell.arrivals != .periodic { words.append("arrivals=\(cell.arrivals.rawValue)") }
    if cell.irq.burst > 1 { words.append("burst=\(cell.irq.burst)") }
    return (words + cell.irq.words).joined(separator: " ")
  }

  /// The cell that the rate is tried with; nil for a source without a rate.
  static func cell(_ cell: Cell) -> Cell? {
    guard cell.interrupts.hasRate else { return nil }
    var trial = Cell(subject: "null", workload: .pair, mix: "fixed:64")
    trial.threads = cell.threads
    trial.interrupts = cell.interrupts
    trial.rate = cell.rate
    trial.arrivals = cell.arrivals
    trial.irq = cell.irq
    trial.irq.irqClass = .nmi
    trial.handler = .empty
    return trial
  }

  /// Trials, the best of which counts: what the thread loses to others is not the source's.
  private static let trials = 5

  /// A few short samples; nil iff none gave a result (the cell's own will say why).
  static func measure(_ cell: Cell, by trial: Cell, _ tool: SampleTool, _ signals: Signals)
    throws(Failure) -> DeliveredRate?
  {
    var best: DeliveredRate?
    var trial = trial
    for _ in 0..<trials {
      guard let found = try once(cell, by: trial, tool, signals) else {
        // Signals back to back: the foreground never came to its end.
        if signals.arrived || trial.rate < 4 { break }
        trial.rate /= 4
        trial.irq.secondRate = max(1, trial.irq.secondRate / 4)
        continue
      }
      if found.delivered > best?.delivered ?? -1 { best = found }
      if best?.shortfall == nil || signals.arrived { break }
    }
    let second = cell.irq.second == .none ? 0 : cell.irq.secondRate
    best?.requested = cell.rate * Double(cell.irq.burst) + second
    return best
  }

  /// nil iff the sample gave no result within 3 s.
  private static func once(_ cell: Cell, by trial: Cell, _ tool: SampleTool, _ signals: Signals)
    throws(Failure) -> DeliveredRate?
  {
    let mix = MixTable(fixed: 64)
    // Long enough for 100 arrivals, at most half a second.
    let length = min(500_000_000, max(20_000_000, UInt64(100e9 / trial.rate)))
    let entry = try PlanEntry(
      trial, iterations: 0, targetNanoseconds: length, seed: 1, mix: mix, handlerMix: mix, trace: ""
    )
    guard case .record(let record) = try tool.run(entry, seconds: 3, signals: signals),
      record.status == .ok, let arrived = record.value("handler_signals"),
      let requested = record.value("handler_requested"), requested > 0,
      let time = record.value("foreground_ns"), time > 0
    else { return nil }
    let threads = cell.irq.threads == .first ? 1.0 : Double(cell.threads)
    let seconds = Double(time) / 1e9 * threads / Double(cell.threads)
    let merged = record.value("handler_coalesced").map { Double($0) }
    let isPerf = cell.interrupts == .perf || cell.irq.second == .perf
    return DeliveredRate(
      source: name(cell), requested: Double(requested) / seconds,
      delivered: Double(arrived) / seconds,
      coalescedShare: isPerf ? nil : merged.map { $0 / max(1, $0 + Double(arrived)) },
      event: isPerf ? (record.value("irq_perf_cycles") == 1 ? "cycles" : "cpu-clock") : nil)
  }
}
