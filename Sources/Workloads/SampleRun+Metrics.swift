extension SampleRun {
  /// The counts of the measured part, and the books of the whole sample.
  func write(
    _ part: Counts, _ whole: Counts, _ measured: Measured, sent: UInt64?, merged: UInt64?,
    to record: inout SampleRecord
  ) {
    record.add("operations", part.operations)
    let workers = plan.workload == .handoff ? plan.threads / 2 : plan.threads
    let iterations = plan.workload == .replay ? measured.runs : part.operations / UInt64(workers)
    record.add("iterations", iterations)
    record.add("threads", UInt64(plan.threads))
    record.add("allocated", whole.totalAllocated)
    record.add("freed", whole.totalFreed)
    record.add("live", whole.totalAllocated &- whole.totalFreed)
    record.add("alloc_failed", whole.allocFailed)
    record.add("measured_alloc_failed", part.allocFailed)
    if plan.irq != .none || plan.replayContexts {
      record.add("handler_signals", part.signals)
      if plan.irq != .none {
        let seconds = Double(measured.foreground) / 1e9
        if plan.irq.hasRate {
          let share = plan.oneThread ? 1 / Double(plan.threads) : 1
          let arrivals = plan.rate * Double(plan.burst) + plan.secondRate
          record.add("handler_requested", UInt64((arrivals * seconds * share).rounded()))
          record.add("handler_coalesced", part.coalesced &+ (merged ?? 0))
        }
        if plan.maskable { record.add("handler_masked", part.masked) }
      }
      if let sent { record.add("handler_sent", sent) }
      record.add("handler_attempts", part.attempts)
      record.add("handler_first", part.first)
      record.add("handler_next_bucket", part.nextBucket)
      record.add("handler_failed", part.handlerFailed)
      record.add("handler_freed", part.handlerFreed)
      record.add("handler_handed", part.handed)
      record.add("handler_bursts", part.bursts)
    }
    if plan.workload == .replay || plan.workload == .handoff {
      record.add("remote_frees", part.remoteFrees &+ part.handlerRemoteFrees)
    }
    if plan.workload == .replay {
      record.add("dropped_frees", whole.droppedFrees)
      record.add("early_frees", whole.earlyFrees &+ whole.handlerEarlyFrees)
      record.add("zero_size_allocations", part.zeroSized &+ part.handlerZeroSized)
      record.add("handler_operations", part.handlerOperations)
    }
  }
}
