import CPlatform
import Counters
import Glibc
import Injection

/// Operations between two looks at what other threads' handlers passed on.
private let chunk: UInt64 = 256

/// A foreground thread: waits for commands until told to quit.
func foregroundThread(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let shared = unsafe block.pointee.shared
  let threads = unsafe UInt32(shared.pointee.threads)
  unsafe nl_thread_set(UnsafeMutableRawPointer(block))
  if let attach = unsafe shared.pointee.attach { _ = attach() }
  var generation: UInt32 = 0
  while true {
    generation = unsafe shared.pointee.gate.wait(after: generation)
    let command = unsafe shared.pointee.command
    switch command {
    case .prepare: unsafe prepare(block)
    case .run: unsafe run(block)
    case .prime: unsafe prime(block)
    case .endPass: unsafe endPass(block)
    case .cleanUp: unsafe cleanUp(block)
    case .quit:
      unsafe block.pointee.source.close()
      unsafe block.pointee.counters.close()
      unsafe block.pointee.second.close()
      if let detach = unsafe shared.pointee.detach { detach() }
    }
    unsafe shared.pointee.gate.finished(threads: threads)
    if command == .quit { return }
  }
}

/// One run: all threads start together, interrupts on, the clock around the loop alone.
private func run(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let shared = unsafe block.pointee.shared
  let operations = unsafe shared.pointee.operations
  let minimum = unsafe shared.pointee.minimumNanoseconds
  let receives = unsafe block.pointee.receives
  if !receives { unsafe block.pointee.transfer?.open() }
  unsafe shared.pointee.gate.startLine(threads: UInt32(shared.pointee.threads))
  // Behind the line: waiting there is not the measured part's.
  let usage = ThreadUsage.now()
  unsafe nl_thread_store_release_32(&block.pointee.armed, 1)
  unsafe block.pointee.source.arm()
  unsafe block.pointee.counters.start()
  unsafe block.pointee.second.arm()
  let cpu = nl_clock_thread_cpu_ns()
  let start = nl_clock_monotonic_ns()
  let ticks = nl_clock_ticks()
  var end: UInt64
  repeat {
    unsafe loop(block, operations)
    end = nl_clock_monotonic_ns()
  } while end &- start < minimum && !receives
  if !receives { unsafe block.pointee.transfer?.close() }
  let endTicks = nl_clock_ticks()
  let endCPU = nl_clock_thread_cpu_ns()
  unsafe block.pointee.counters.stop()
  unsafe block.pointee.source.disarm()
  unsafe block.pointee.second.disarm()
  unsafe nl_thread_store_release_32(&block.pointee.armed, 0)
  unsafe block.pointee.timing.start = start
  unsafe block.pointee.timing.end = end
  unsafe block.pointee.timing.cpu = endCPU &- cpu
  unsafe block.pointee.timing.ticks = endTicks &- ticks
  var difference = ThreadUsage()
  difference.add(from: usage, to: ThreadUsage.now())
  unsafe block.pointee.timing.usage = difference
}

/// `operations` operations; replay: one pass.
private func loop(_ block: UnsafeMutablePointer<ThreadBlock>, _ operations: UInt64) {
  let plan = unsafe block.pointee.shared.pointee.plan
  let calls = unsafe block.pointee.shared.pointee.calls
  if plan.workload == .replay {
    unsafe replayPass(block, plan, calls)
    return
  }
  if plan.workload == .handoff, unsafe block.pointee.receives {
    unsafe receiveAll(block, plan, calls)
    return
  }
  if plan.dilationChunk != 0 {
    unsafe dilatedLoop(block, plan, calls, operations)
    return
  }
  unsafe drainingSteps(block, plan, calls, operations)
}

/// The operations; where handlers allocate in chunks, after each of which their objects are freed.
@inline(__always)
private func drainingSteps(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls,
  _ operations: UInt64
) {
  guard plan.handlerAllocates else {
    unsafe step(block, plan, calls, operations)
    return
  }
  var left = operations
  while left != 0 {
    let count = left < chunk ? left : chunk
    unsafe step(block, plan, calls, count)
    unsafe drain(block, plan, calls)
    left &-= count
  }
}

/// The loop of comparisons: chunks, and after each a pause in proportion to its own time.
private func dilatedLoop(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls,
  _ operations: UInt64
) {
  var left = operations
  while left != 0 {
    let count = left < plan.dilationChunk ? left : plan.dilationChunk
    let start = nl_clock_ticks()
    unsafe drainingSteps(block, plan, calls, count)
    dilate(since: start, plan.dilation)
    left &-= count
  }
}

/// Spins until `share` of the time since `start` has passed again.
@inline(__always)
func dilate(since start: UInt64, _ share: Double) {
  let end = nl_clock_ticks()
  let pause = UInt64(Double(end &- start) * share)
  while nl_clock_ticks() &- end < pause {}
}

@inline(__always)
private func step(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls, _ count: UInt64
) {
  let objects = unsafe block.pointee.objects
  let outcome =
    switch plan.workload {
    case .pair where plan.checkedLoop:
      unsafe checkedPairLoop(calls.allocate, calls.free, plan.mix, count)
    case .pair where plan.mix.count == 1:
      unsafe pairLoop(calls.allocate, calls.free, Int(plan.mix.sizes[0]), count)
    case .pair:
      unsafe pairLoop(calls.allocate, calls.free, plan.mix, count)
    case .batch:
      unsafe batchLoop(
        calls.allocate, calls.free, plan.mix, objects, block.pointee.order, plan.batch, count)
    case .churn where plan.checkedLoop:
      unsafe checkedChurnLoop(
        calls.allocate, calls.free, plan.mix, objects, plan.live, &block.pointee.random, count)
    case .churn:
      unsafe churnLoop(
        calls.allocate, calls.free, plan.mix, objects, plan.live, &block.pointee.random, count)
    case .handoff: unsafe sendLoop(calls.allocate, plan.mix, block.pointee.transfer, count)
    case .larson: unsafe larsonLoop(block, plan, calls, count)
    case .kunit: unsafe kunitLoop(block, plan, calls, count)
    case .storm, .replay: LoopOutcome()
    }
  unsafe block.pointee.counts.operations &+= count
  unsafe block.pointee.counts.allocated &+= count &- outcome.failed
  unsafe block.pointee.counts.freed &+= count &- outcome.empty
  unsafe block.pointee.counts.allocFailed &+= outcome.failed
  unsafe block.pointee.counts.mismatches &+= outcome.mismatches
}

private func replayPass(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls
) {
  guard let schedule = plan.schedule else { return }
  let thread = unsafe block.pointee.index
  let events = unsafe schedule.events[thread]
  let count = unsafe schedule.counts[thread]
  var outcome = ReplayOutcome()
  if plan.replayContexts && schedule.hasInterrupts {
    outcome = unsafe replayWithContexts(block, schedule, calls)
    if plan.handlerAllocates { unsafe drain(block, plan, calls) }
  } else if plan.dilationChunk != 0 {
    var index = 0
    while index != count {
      let length = min(Int(plan.dilationChunk), count &- index)
      let start = nl_clock_ticks()
      let part = unsafe replayLoop(
        calls.allocate, calls.free, calls.gfpMask, schedule.slots, events + index, length)
      outcome.add(part)
      if plan.handlerAllocates { unsafe drain(block, plan, calls) }
      dilate(since: start, plan.dilation)
      index &+= length
    }
  } else if !plan.handlerAllocates {
    outcome = unsafe replayLoop(
      calls.allocate, calls.free, calls.gfpMask, schedule.slots, events, count)
  } else {
    var index = 0
    while index != count {
      let length = min(Int(chunk), count &- index)
      let part = unsafe replayLoop(
        calls.allocate, calls.free, calls.gfpMask, schedule.slots, events + index, length)
      outcome.add(part)
      unsafe drain(block, plan, calls)
      index &+= length
    }
  }
  unsafe block.pointee.counts.operations &+= UInt64(truncatingIfNeeded: count)
  unsafe block.pointee.counts.allocated &+= outcome.allocated
  unsafe block.pointee.counts.freed &+= outcome.freed
  unsafe block.pointee.counts.allocFailed &+= outcome.failed
  unsafe block.pointee.counts.zeroSized &+= outcome.zeroSized
  unsafe block.pointee.counts.remoteFrees &+= outcome.remote
  unsafe block.pointee.counts.earlyFrees &+= outcome.early
}
