import CNolock
import CPlatform
import CRecords
import Injection
import Subjects

/// The entry points that a breakpoint may be set on, by their names.
func entryPoints(_ subject: Subject) -> [(name: String, address: UInt)] {
  let ops = unsafe subject.ops.pointee
  let all: [(String, UInt)] = unsafe [
    ("kmalloc", unsafeBitCast(ops.kmalloc, to: UInt.self)),
    ("kfree", unsafeBitCast(ops.kfree, to: UInt.self)),
    ("kmalloc_nolock", unsafeBitCast(ops.kmalloc_nolock, to: UInt.self)),
    ("kfree_nolock", unsafeBitCast(ops.kfree_nolock, to: UInt.self)),
    ("kfree_rcu", unsafeBitCast(ops.kfree_rcu, to: UInt.self)),
    ("ksize", unsafeBitCast(ops.ksize, to: UInt.self)),
  ]
  return all.filter { $0.1 != 0 }.map { (name: $0.0, address: $0.1) }
}

/// Why the plan's breakpoints cannot be set on this subject; nil if they can.
func breakpointRefusal(_ plan: Plan, _ subject: Subject) -> String? {
  guard plan.irq == .breakpoint else { return nil }
  let known = entryPoints(subject).map(\.name)
  for name in plan.functions where !known.contains(name) {
    return "irq breakpoint: \(subject.name) has no function '\(name)', "
      + "allowed: \(known.joined(separator: ", "))"
  }
  return nil
}

func breakpoints(_ plan: Plan, _ subject: Subject) -> Breakpoints {
  guard plan.irq == .breakpoint else { return Breakpoints() }
  let known = entryPoints(subject)
  let found = plan.functions.compactMap { name in known.first { $0.name == name }?.address }
  return Breakpoints(found) ?? Breakpoints()
}

/// Has the subject call `onProbe` at its probe points; a refusal where it was built without.
func setProbes(_ subject: Subject) -> SampleRecord? {
  let hook: @convention(c) (UInt32) -> Void = { onProbe($0) }
  let address = UInt64(unsafe unsafeBitCast(hook, to: UInt.self))
  if unsafe subject.ops.pointee.control?("probe_hook", address) == 0 { return nil }
  return SampleRecord(
    NL_SKIPPED,
    "irq probe: \(subject.name) has no probe points; "
      + "build one by scripts/build-subject OUT.so sheaves -D NOLOCK_PROBES and name it rev:OUT.so")
}

extension SampleRun {
  /// How late handlers ended, counted from the intended instant; and the probe points met.
  func writeLateness(_ part: Counts, to record: inout SampleRecord) {
    if plan.irq == .timer || plan.second == .timer {
      var sum = [UInt64](repeating: 0, count: LatencyHistogram.bucketCount)
      for index in 0..<plan.threads {
        for bucket in sum.indices { unsafe sum[bucket] &+= blocks[index].lateness.counts[bucket] }
      }
      let total = sum.reduce(0, &+)
      if total > 0 {
        record.add("handler_late_p50_ns", quantile(sum, total, 0.5))
        record.add("handler_late_p99_ns", quantile(sum, total, 0.99))
        record.add("handler_late_max_ns", quantile(sum, total, 1))
      }
      let period = UInt64(1e9 / (plan.irq == .timer ? plan.rate : plan.secondRate))
      record.add(
        "handler_late",
        sum.indices.filter { LatencyHistogram.range($0).low > period }.reduce(0) { $0 &+ sum[$1] })
    }
    if plan.irq == .probe {
      for point in 0..<Int(NL_PROBE_POINTS) {
        let count = (0..<plan.threads).reduce(0 as UInt64) {
          unsafe $0 &+ (blocks[$1].probes?[point] ?? 0)
        }
        let name = unsafe String(cString: nl_probe_name(UInt32(point)))
        record.add("probe.\(name)", count)
      }
    }
  }

  /// The upper end of the bucket that holds the quantile.
  private func quantile(_ counts: [UInt64], _ total: UInt64, _ share: Double) -> UInt64 {
    let wanted = max(1, UInt64((Double(total) * share).rounded(.up)))
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen &+= count
      if seen >= wanted {
        let range = LatencyHistogram.range(index)
        return range.low &+ range.width
      }
    }
    return 0
  }
}
