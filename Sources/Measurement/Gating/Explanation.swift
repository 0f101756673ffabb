import Foundation

/// What a regression is made of, in the allocator's terms: the base and the new code in counted
/// mode, and their own counters.
struct Explanation {
  private var changed: [String] = []
  private var equal: [String] = []

  init(_ plan: ComparisonPlan, _ index: Int, samples: [Sample], _ table: BlockTable) {
    let cell = plan.cells[index]
    let counted = [0, 1].compactMap { arm in
      samples.last { $0.hash == plan.countedKey(cell, arm) && $0.status == .ok }
    }
    if counted.count == 2 {
      instructions(counted[0], counted[1])
      quantities([counted[0]], [counted[1]], "counted")
    } else if cell.cell.inCountedMode == nil {
      changed.append("instructions: \(cell.cell.workload.rawValue) has no counted mode")
    }
    // Retries and deferrals come from other threads and from interrupts: those are in the blocks.
    if table.samples.count > 1, !table.whole.isEmpty {
      quantities(table.samples[0], table.samples[1], "timed blocks")
      counters(table.samples[0], table.samples[1])
    }
  }

  /// One line each; what did not change is said in the last one.
  var lines: [String] {
    equal.isEmpty ? changed : changed + ["unchanged: " + equal.joined(separator: ", ")]
  }

  private mutating func tell(_ what: String, _ old: String, _ new: String) {
    if old == new {
      equal.append("\(what) \(old)")
    } else {
      changed.append("\(what): \(old) → \(new)")
    }
  }

  private mutating func instructions(_ base: Sample, _ new: Sample) {
    for (name, what) in [
      ("step_instructions_per_kmalloc", "instructions per kmalloc"),
      ("step_instructions_per_kfree", "instructions per kfree"),
    ] {
      if let old = base.value(name), let now = new.value(name) { tell(what, "\(old)", "\(now)") }
    }
    func mean(_ sample: Sample) -> String? {
      guard let sum = sample.value("step_instructions"),
        let count = sample.value("step_repeats"), count > 0
      else { return nil }
      return number(Double(sum) / Double(count), 3)
    }
    if let old = mean(base), let now = mean(new) {
      tell("instructions per operation (counted)", old, now)
    }
  }

  private static let fast = ["alloc_fast", "free_fast"]
  private static let slow = [
    "alloc_slow", "alloc_large", "free_slow", "free_deferred", "free_large",
  ]
  private static let retries = [
    "slab_cas_fail", "line_busy", "list_lock_busy", "barn_lock_busy", "zone_lock_busy",
    "next_bucket",
  ]

  /// Fast-path share, retries and deferrals, where the subject counts them.
  private mutating func quantities(_ base: [Sample], _ new: [Sample], _ from: String) {
    func sum(_ samples: [Sample], _ names: [String]) -> Double? {
      let values = samples.flatMap { sample in names.compactMap { sample.value("stat." + $0) } }
      return values.isEmpty ? nil : values.reduce(0) { $0 + Double($1) }
    }
    func fastShare(_ samples: [Sample]) -> String? {
      guard let fast = sum(samples, Self.fast), let slow = sum(samples, Self.slow), fast + slow > 0
      else { return nil }
      return number(100 * fast / (fast + slow), 3) + " %"
    }
    func perThousand(_ samples: [Sample], _ names: [String]) -> String? {
      guard let calls = sum(samples, Self.fast + Self.slow), calls > 0,
        let count = sum(samples, names)
      else { return nil }
      return number(1000 * count / calls, 3)
    }
    if let old = fastShare(base), let now = fastShare(new) {
      tell("fast-path share (\(from))", old, now)
    }
    for (what, names) in [("retries", Self.retries), ("deferrals", ["free_deferred"])] {
      if let old = perThousand(base, names), let now = perThousand(new, names) {
        tell("\(what) per 1000 calls (\(from))", old, now)
      }
    }
  }

  /// Any other counter whose rate per operation differs by more than a tenth and one in a million.
  private mutating func counters(_ base: [Sample], _ new: [Sample]) {
    func rates(_ samples: [Sample]) -> [String: Double] {
      var sums: [String: Double] = [:]
      var operations = 0.0
      for sample in samples {
        operations += Double(sample.value("operations") ?? 0)
        for metric in sample.metrics where metric.name.hasPrefix("stat.") {
          sums[metric.name, default: 0] += Double(metric.value)
        }
      }
      return operations > 0 ? sums.mapValues { $0 / operations } : [:]
    }
    let (before, after) = (rates(base), rates(new))
    for name in Set(before.keys).union(after.keys).sorted() {
      let (old, now) = (before[name] ?? 0, after[name] ?? 0)
      if name.hasSuffix("_now") || name.hasSuffix("_max") { continue }
      guard abs(now - old) > max(1e-6, 0.1 * max(old, now)) else { continue }
      changed.append("\(name.dropFirst(5)) per operation: \(number(old, 6)) → \(number(now, 6))")
    }
  }

  private func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), value)
  }
}
