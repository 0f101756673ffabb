import Statistics

/// The one table of metrics: values computed from a sample, with their unit and direction.
public struct Derived: Sendable {
  /// How two values are set against each other.
  public enum Scale: String, Codable, Sendable {
    /// new / base.
    case ratio
    /// new − base, in the metric's own unit: it may be 0.
    case difference
  }

  enum Formula: Sendable {
    /// `numerator · factor / denominators`; divided by the threads too where it is per thread.
    case quotient(String, per: [String], factor: Double, perThread: Bool)
    /// A quantile of the handlers' latency histogram.
    case latency(Double)
  }

  public let name: String
  public let unit: String
  /// The metric whose source this value has.
  public let from: String
  /// Whether less is better; `nil` where neither is, and nothing is gated.
  public let lowerIsBetter: Bool?
  /// Whether the value exists only where there are interrupts.
  public let needsInterrupts: Bool
  public let scale: Scale
  /// Whether dilation of the foreground slows it: the plant of a gate is then a real one.
  public let isDilated: Bool
  let formula: Formula

  /// The metric of a name; `nil` iff there is none.
  public static func named(_ name: String) -> Derived? { all.first { $0.name == name } }

  /// The names of those that can be gated.
  public static var gated: [String] { all.filter { $0.lowerIsBetter != nil }.map(\.name) }

  /// 1 where less is better or neither is, −1 where more is: what turns a change into a loss.
  public var sign: Double { lowerIsBetter == false ? -1 : 1 }

  private init(
    _ name: String, _ unit: String, _ formula: Formula, from: String, lowerIsBetter: Bool?,
    scale: Scale = .ratio, dilated: Bool = false, interrupts: Bool = false
  ) {
    self.name = name
    self.unit = unit
    self.formula = formula
    self.from = from
    self.lowerIsBetter = lowerIsBetter
    self.scale = scale
    isDilated = dilated
    needsInterrupts = interrupts
  }

  private static func quotient(
    _ name: String, _ unit: String, _ numerator: String, per denominators: [String] = [],
    factor: Double = 1, perThread: Bool = false, lowerIsBetter: Bool?, from: String? = nil,
    scale: Scale = .ratio, dilated: Bool = false, interrupts: Bool = false
  ) -> Derived {
    Derived(
      name, unit, .quotient(numerator, per: denominators, factor: factor, perThread: perThread),
      from: from ?? numerator, lowerIsBetter: lowerIsBetter, scale: scale, dilated: dilated,
      interrupts: interrupts)
  }

  /// Every derived value.  `handler_first_share` and the like are of the handlers' attempts.
  public static let all = [
    quotient(
      "ns_per_op", "ns/op", "foreground_ns", per: ["operations"], lowerIsBetter: true,
      dilated: true),
    quotient(
      "cpu_ns_per_op", "ns/op", "cpu_ns", per: ["operations"], lowerIsBetter: true, dilated: true),
    quotient(
      "ops_per_s", "op/s", "operations", per: ["wall_ns"], factor: 1e9, lowerIsBetter: false,
      from: "wall_ns", dilated: true),
    quotient(
      "alloc_failed_share", "share", "measured_alloc_failed", per: ["operations"],
      lowerIsBetter: true, scale: .difference),
    // After the measured part, the process's own 2 MB and more included.
    quotient("retained_bytes", "B", "resident_bytes", lowerIsBetter: true),
    quotient("peak_bytes", "B", "peak_resident_bytes", lowerIsBetter: true),
    quotient(
      "irq_per_s", "1/s", "handler_signals", per: ["wall_ns"], factor: 1e9, perThread: true,
      lowerIsBetter: nil, from: "wall_ns", interrupts: true),
    quotient(
      "irq_achieved_share", "share", "handler_signals", per: ["handler_requested"],
      lowerIsBetter: false, interrupts: true),
    quotient(
      "irq_late_share", "share", "handler_late", per: ["handler_signals"], lowerIsBetter: true,
      interrupts: true),
    quotient(
      "handler_first_share", "share", "handler_first", per: ["handler_attempts"],
      lowerIsBetter: false, interrupts: true),
    quotient(
      "handler_next_bucket_share", "share", "handler_next_bucket", per: ["handler_attempts"],
      lowerIsBetter: nil, interrupts: true),
    quotient(
      "handler_failed_share", "share", "handler_failed", per: ["handler_attempts"],
      lowerIsBetter: true, scale: .difference, interrupts: true),
    // Of the subject's own counts; the handlers' alone where the foreground makes ordinary calls.
    quotient(
      "handler_slab_share", "share", "stat.nolock_slow", per: ["handler_attempts"],
      lowerIsBetter: nil, interrupts: true),
    quotient(
      "deferred_per_signal", "count", "stat.free_deferred", per: ["handler_signals"],
      lowerIsBetter: nil, interrupts: true),
    Derived(
      "handler_p50_ns", "ns", .latency(0.5), from: "foreground_ticks", lowerIsBetter: true,
      interrupts: true),
    Derived(
      "handler_p99_ns", "ns", .latency(0.99), from: "foreground_ticks", lowerIsBetter: true,
      interrupts: true),
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
    case "handler_slab_share", "deferred_per_signal":
      return cell.interrupts != .none && cell.calls == .ordinary
    default: return cell.interrupts != .none
    }
  }

  /// The value of one sample.
  ///
  /// - Throws: a text that says which metric is missing or 0.
  func value(_ sample: Sample, threads: Int) throws(RecordError) -> Double {
    switch formula {
    case .latency(let quantile):
      var pool = PooledHistogram()
      for bucket in sample.latency {
        pool.add(low: bucket.low, width: bucket.width, count: bucket.count)
      }
      guard let value = pool.value(at: quantile) else {
        throw RecordError(text: "the sample has no handler latency")
      }
      return Double(value)
    case .quotient(let numerator, let denominators, let factor, let perThread):
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
