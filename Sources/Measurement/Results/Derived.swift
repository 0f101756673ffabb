/// A value computed from one sample's metrics.
public struct Derived: Sendable {
  public let name: String
  public let unit: String
  /// The metric whose source this value has.
  public let from: String
  /// Whether less is better; `nil` where neither is.
  public let lowerIsBetter: Bool?
  /// Whether the value exists only where there are interrupts.
  public let needsInterrupts: Bool
  /// `numerator · factor / denominator`; the denominators' product.
  let numerator: String
  let denominators: [String]
  let factor: Double
  let perThread: Bool

  private init(
    _ name: String, _ unit: String, _ numerator: String, per denominators: [String],
    factor: Double = 1, perThread: Bool = false, lowerIsBetter: Bool?, from: String? = nil,
    interrupts: Bool = false
  ) {
    self.name = name
    self.unit = unit
    self.from = from ?? numerator
    self.lowerIsBetter = lowerIsBetter
    needsInterrupts = interrupts
    self.numerator = numerator
    self.denominators = denominators
    self.factor = factor
    self.perThread = perThread
  }

  /// Every derived value.  `handler_first_share` and the like are of the handlers' attempts.
  public static let all = [
    Derived(
      "ns_per_op", "ns/op", "foreground_ns", per: ["operations"], lowerIsBetter: true),
    Derived("cpu_ns_per_op", "ns/op", "cpu_ns", per: ["operations"], lowerIsBetter: true),
    Derived(
      "ops_per_s", "op/s", "operations", per: ["wall_ns"], factor: 1e9, lowerIsBetter: false,
      from: "wall_ns"),
    Derived(
      "irq_per_s", "1/s", "handler_signals", per: ["wall_ns"], factor: 1e9, perThread: true,
      lowerIsBetter: nil, from: "wall_ns", interrupts: true),
    Derived(
      "irq_achieved_share", "share", "handler_signals", per: ["handler_requested"],
      lowerIsBetter: false, interrupts: true),
    Derived(
      "irq_late_share", "share", "handler_late", per: ["handler_signals"], lowerIsBetter: true,
      interrupts: true),
    Derived(
      "handler_first_share", "share", "handler_first", per: ["handler_attempts"],
      lowerIsBetter: false, interrupts: true),
    Derived(
      "handler_next_bucket_share", "share", "handler_next_bucket", per: ["handler_attempts"],
      lowerIsBetter: nil, interrupts: true),
    Derived(
      "handler_failed_share", "share", "handler_failed", per: ["handler_attempts"],
      lowerIsBetter: true, interrupts: true),
  ]

  /// Whether a cell has this value at all.
  func applies(to cell: Cell) -> Bool {
    if cell.counted { return false }
    if !needsInterrupts { return true }
    let sources = [cell.interrupts, cell.irq.second]
    switch name {
    case "irq_achieved_share": return cell.interrupts.hasRate
    // perf intends no instant: the thread's own time decides.
    case "irq_late_share": return sources.contains(.timer) || sources.contains(.tgkill)
    default: return cell.interrupts != .none
    }
  }

  /// The value of one sample.
  ///
  /// - Throws: a text that says which metric is missing or 0.
  func value(_ sample: Sample, threads: Int) throws(RecordError) -> Double {
    guard let top = sample.value(numerator) else {
      throw RecordError(text: "the sample has no \(numerator)")
    }
    var bottom = perThread ? Double(threads) : 1
    for name in denominators {
      guard let value = sample.value(name) else {
        throw RecordError(text: "the sample has no \(name)")
      }
      guard value > 0 else { throw RecordError(text: "\(name) is 0") }
      bottom *= Double(value)
    }
    return Double(top) * factor / bottom
  }
}

/// The unit of a raw metric, from its name: `wall_ns` → ns, `resident_bytes` → B, else a count.
public func unit(ofMetric name: String) -> String {
  if name.hasSuffix("_ns") { return "ns" }
  if name.hasSuffix("_bytes") { return "B" }
  return "count"
}

extension Derived {
  /// The value of one sample; `nil` iff a metric it needs is missing or a denominator is 0.
  public func value(of sample: Sample, threads: Int) -> Double? {
    try? value(sample, threads: threads)
  }
}
