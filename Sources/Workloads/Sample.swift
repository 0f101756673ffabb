import CNolock
public import CRecords
import Injection
import Subjects

/// Runs the cell that `entry` describes.  Throws only for an entry that is not one; everything else
/// that goes wrong is in the record.
///
/// Context: the main thread of a process that does nothing else, once.
public func runSample(_ entry: UnsafePointer<nl_plan_entry>) throws(PlanError) -> SampleRecord {
  let plan = try unsafe Plan(entry)
  let subject: Subject
  switch loadSubject(plan.subject, objectPath: plan.objectPath) {
  case .found(let found): subject = found
  case .unavailable(let reason): return SampleRecord(NL_SKIPPED, reason)
  case .failed(let reason): return SampleRecord(NL_FAILED, reason)
  }
  var schedule: ReplaySchedule?
  if plan.workload == .replay {
    do {
      let trace = try TraceFile(path: plan.tracePath)
      guard plan.threads <= trace.cpuCount else {
        return SampleRecord(
          NL_SKIPPED, "replay: the trace has \(trace.cpuCount) CPUs, threads is \(plan.threads)")
      }
      schedule = try ReplaySchedule(trace, path: plan.tracePath, threads: plan.threads)
    } catch {
      return SampleRecord(NL_FAILED, error.text)
    }
  }
  if let reason = missing(plan, subject, schedule) { return SampleRecord(NL_SKIPPED, reason) }
  if let reason = breakpointRefusal(plan, subject) { return SampleRecord(NL_FAILED, reason) }
  if plan.counted { return countedSample(plan, subject) }
  if plan.memoryLimit != 0 {
    let result = unsafe subject.ops.pointee.control.map { unsafe $0("limit", plan.memoryLimit) }
    guard result == 0 else {
      return SampleRecord(
        NL_FAILED, "\(subject.name) refused a memory limit of \(plan.memoryLimit) bytes")
    }
  }
  return SampleRun(plan, subject, schedule).record()
}

/// What the cell needs and the subject or this harness does not have.
private func missing(_ plan: Plan, _ subject: Subject, _ schedule: ReplaySchedule?) -> String? {
  let replaysInterrupts = plan.replayContexts && (schedule?.hasInterrupts ?? false)
  if (plan.handlerAllocates || replaysInterrupts || plan.nolockCalls) && !subject.worksInHandlers {
    return "\(subject.name) promises nothing in a signal handler"
  }
  if plan.memoryLimit != 0,
    unsafe !subject.can(NOLOCK_CAP_LIMIT) || subject.ops.pointee.control == nil
  {
    return "\(subject.name) has no memory limit"
  }
  if plan.poisson, let refusal = InterruptSource.refusesPoisson(plan.irq) { return refusal }
  return nil
}
