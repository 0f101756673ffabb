/// Cells that share a purpose: every combination of the values of its axes.
public struct Group: Equatable, Sendable {
  public var name: String
  /// Values as written, each accepted by its axis.
  public var values: [Axis: [String]]
  /// Line in the suite file where the group starts, and of each key.
  public var line: Int
  public var lines: [Axis: Int]

  /// The interrupt rate where the suite names a source and no rate.
  static let defaultRate = 10_000.0

  /// The cells, subjects of one comparison next to each other in the order written.
  ///
  /// - Throws: `usage` with the line and key where a combination makes no sense.
  func cells(file: String) throws(Failure) -> [Cell] {
    var cells = [Cell(subject: "", workload: .pair, mix: "")]
    for axis in values.keys.sorted() {
      var next: [Cell] = []
      for cell in cells {
        for text in values[axis] ?? [] {
          var copy = cell
          guard axis.apply(text, to: &copy) else {
            throw wrong(file, axis, "'\(text)' found, allowed: \(axis.allowed)")
          }
          next.append(copy)
        }
      }
      cells = next
    }
    var seen = Set<Cell>()
    var result: [Cell] = []
    for cell in cells {
      let complete = try completed(cell, file)
      if seen.insert(complete).inserted { result.append(complete) }
    }
    return result
  }

  /// Fills in what follows from the rest and refuses what contradicts it.
  private func completed(_ cell: Cell, _ file: String) throws(Failure) -> Cell {
    var cell = cell
    for axis in values.keys.sorted() where !axis.applies(to: cell.workload) {
      throw wrong(file, axis, "does not apply to workload '\(cell.workload.rawValue)'")
    }
    if cell.subject.isEmpty { throw missing(file, .subject) }
    if values[.workload] == nil { throw missing(file, .workload) }
    if cell.mix.isEmpty { throw missing(file, cell.workload == .replay ? .trace : .mix) }
    let churns =
      cell.workload == .churn || cell.workload == .larson
      || (cell.workload == .storm && cell.foreground == .churn)
    if churns && cell.live == 0 {
      let name = cell.workload == .larson ? "larson" : "churn"
      throw wrong(file, .live, "0 found, allowed for \(name): 1…\(Axis.largestLive)")
    }
    if cell.workload == .handoff && cell.threads % 2 != 0 {
      throw wrong(
        file, .threads, "'\(cell.threads)' found, allowed for handoff: an even number")
    }
    if cell.workload == .kunit && values[.batch] == nil { cell.batch = Cell.kunitBatch }
    if (cell.workload == .storm || cell.workload == .kunit) && cell.interrupts == .none {
      throw wrong(
        file, .irq, "'none' found, allowed for \(cell.workload.rawValue): timer, perf, tgkill, breakpoint, "
          + "probe, step")
    }
    if cell.interrupts == .none {
      // Without interrupts these mean nothing: one cell, not one per value.
      cell.rate = 0
      cell.handler = .nolock
      cell.arrivals = .periodic
      cell.ownBucket = false
      cell.handlerMix = "bpf"
      cell.irq = InterruptOptions()
    } else {
      try complete(interrupts: &cell, file)
    }
    if cell.counted && (cell.interrupts != .none || cell.threads != 1 || cell.seconds != 0) {
      throw wrong(
        file, .counted,
        "'true' found with irq \(cell.interrupts.rawValue), \(cell.threads) threads, "
          + "\(cell.seconds) seconds, allowed with: irq none, 1 thread, 0 seconds")
    }
    return cell
  }

  /// The defaults of the source; what it does not have is left out, so that it makes no cells.
  private func complete(interrupts cell: inout Cell, _ file: String) throws(Failure) {
    let source = cell.interrupts
    if !source.hasRate {
      cell.rate = 0
      cell.arrivals = .periodic
    } else if cell.rate == 0 {
      cell.rate = Self.defaultRate
    }
    if cell.arrivals != .burst {
      cell.irq.burst = 1
    } else if cell.irq.burst == 1 {
      cell.irq.burst = InterruptOptions.standardBurst
    }
    if source != .breakpoint {
      cell.irq.functions = ""
    } else if cell.irq.functions.isEmpty {
      cell.irq.functions = InterruptOptions.defaultFunctions
    }
    if cell.irq.second == .none {
      cell.irq.secondRate = 0
    } else if cell.irq.second == source {
      throw wrong(
        file, .irq2, "'\(source.rawValue)' found with the same irq, allowed: another source")
    } else if cell.irq.secondRate == 0 {
      cell.irq.secondRate = Self.defaultRate
    }
    if source != .perf && cell.irq.second != .perf { cell.irq.perfMode = .period }
    if source == .step {
      guard cell.threads == 1, cell.workload != .replay, cell.irq.irqClass == .nmi else {
        throw wrong(
          file, .irq,
          "'step' found with workload \(cell.workload.rawValue), \(cell.threads) threads, class "
            + "\(cell.irq.irqClass.rawValue), allowed with: pair, batch, churn, storm, 1 thread, nmi"
        )
      }
    }
  }

  private func wrong(_ file: String, _ axis: Axis, _ what: String) -> Failure {
    Failure(.usage, "suite \(file):\(lines[axis] ?? line): key '\(axis.rawValue)': \(what)")
  }

  private func missing(_ file: String, _ axis: Axis) -> Failure {
    Failure(
      .usage,
      "suite \(file):\(line): key '\(axis.rawValue)' is missing, allowed: \(axis.allowed)")
  }
}
