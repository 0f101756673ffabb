import CNolock
import CPlatform
import CRecords
import Injection
import Subjects

/// Why the plan's breakpoints cannot be set on this subject; nil if they can.
func breakpointRefusal(_ plan: Plan, _ subject: Subject) -> String? {
  guard plan.irq == .breakpoint else { return nil }
  switch FunctionFinder(subject).addresses(plan.functions) {
  case .success: return nil
  case .failure(let unknown): return "irq breakpoint: \(unknown.text)"
  }
}

func breakpoints(_ plan: Plan, _ subject: Subject) -> Breakpoints {
  guard plan.irq == .breakpoint,
    case .success(let found) = FunctionFinder(subject).addresses(plan.functions)
  else { return Breakpoints() }
  return Breakpoints(found) ?? Breakpoints()
}

/// Has the subject call `onProbe` at its probe points; a refusal where it was built without.
func setProbes(_ subject: Subject) -> SampleRecord? {
  let hook: @convention(c) (UInt32) -> Void = { onProbe($0) }
  let address = UInt64(unsafe unsafeBitCast(hook, to: UInt.self))
  if unsafe subject.ops.pointee.control?("probe_hook", address) == 0 { return nil }
  return SampleRecord(
    NL_SKIPPED,
    "irq probe: \(subject.name) has no probe points; DESIGN+probes has (sheaves+probes), "
      + "or a rev:PATH of scripts/build-subject with -D NOLOCK_PROBES")
}

extension SampleRun {
  /// How late handlers ended, counted from the intended instant; and the probe points met.
  func writeLateness(_ part: Counts, to record: inout SampleRecord) {
    let sum = latencies { $0.lateness }
    let total = sum.reduce(0, &+)
    if total > 0 {
      record.add("handler_late_p50_ns", quantile(sum, total, 0.5))
      record.add("handler_late_p99_ns", quantile(sum, total, 0.99))
      record.add("handler_late_max_ns", quantile(sum, total, 1))
    }
    let kinds = [plan.irq, plan.second]
    if kinds.contains(.timer) || kinds.contains(.tgkill) { record.add("handler_late", part.late) }
    if kinds.contains(.perf) {
      let cycles =
        unsafe plan.irq == .perf ? blocks[0].source.usesCycles : blocks[0].second.usesCycles
      record.add("irq_perf_cycles", cycles ? 1 : 0)
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
