import CPlatform
import Glibc
import Injection

/// CPU, interrupt source, and the objects that are alive before the measured part.
func prepare(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let plan = unsafe block.pointee.shared.pointee.plan
  let calls = unsafe block.pointee.shared.pointee.calls
  if plan.pin, unsafe nl_thread_pin(UInt32(block.pointee.index)) != 0 {
    unsafe block.pointee.setUpError = errno
    unsafe block.pointee.setUpStep = .pin
    return
  }
  // An event that does not open is missing in the record, with the reason; the sample goes on.
  unsafe block.pointee.counters.open(plan.events.events, count: plan.events.count)
  var error = unsafe block.pointee.source.open()
  if error == 0 { error = unsafe block.pointee.second.open() }
  if error != 0 {
    unsafe block.pointee.setUpError = error
    unsafe block.pointee.setUpStep = .interrupts
    return
  }
  guard plan.workload == .pair || plan.workload == .churn || plan.workload == .larson else {
    return
  }
  unsafe fill(block, plan, calls, plan.live)
  if plan.workload == .larson, unsafe block.pointee.index == 0,
    let exchange = unsafe block.pointee.exchange
  {
    // One array more than threads.
    unsafe block.pointee.objects = exchange.swap(block.pointee.objects)
    unsafe fill(block, plan, calls, plan.live)
  }
}

/// Allocates and marks the first `count` objects of the thread.
private func fill(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls, _ count: Int
) {
  for index in 0..<count {
    let size = unsafe Int(plan.mix.sizes[index & (plan.mix.count - 1)])
    let object = unsafe calls.allocateBefore(size, 0, -1)
    unsafe block.pointee.objects[index] = object
    if let object = unsafe object {
      unsafe mark(object)
      unsafe block.pointee.counts.allocated &+= 1
    } else {
      unsafe block.pointee.counts.allocFailed &+= 1
    }
  }
}

/// Frees, in task context, up to `limit` objects that handlers passed on.
///
/// Between operations the limit is small: a handler at every instruction passes on more than is
/// freed meanwhile.
@inline(__always)
func drain(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls,
  atMost limit: Int = 4
) {
  var freed = 0
  while freed < limit, var object = unsafe block.pointee.toForeground.pop() {
    unsafe releaseInTask(&object, calls, checked: plan.checked, &block.pointee.counts)
    freed &+= 1
  }
}

/// What handlers hold and pass on before the measured part: a short one would else see them start.
func prime(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let saved = nl_signal_errno()
  unsafe block.pointee.traffic.prime(&block.pointee.counts, own: &block.pointee.toHandler)
  nl_signal_set_errno(saved)
}

/// Frees what a pass over a trace leaves.  Interrupts are off in all threads.
func endPass(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let plan = unsafe block.pointee.shared.pointee.plan
  let calls = unsafe block.pointee.shared.pointee.calls
  unsafe drain(block, plan, calls, atMost: .max)
  if let schedule = plan.schedule { unsafe freeLeftovers(block, schedule, calls) }
}

/// Frees everything, checking what was not checked in the loop.  Interrupts are off in all threads.
func cleanUp(_ block: UnsafeMutablePointer<ThreadBlock>) {
  let plan = unsafe block.pointee.shared.pointee.plan
  let calls = unsafe block.pointee.shared.pointee.calls
  unsafe drain(block, plan, calls, atMost: .max)
  while var object = unsafe block.pointee.toHandler.pop() {
    unsafe releaseInTask(&object, calls, checked: plan.checked, &block.pointee.counts)
  }
  unsafe block.pointee.traffic.releaseAll(&block.pointee.counts)
  if let schedule = plan.schedule { unsafe freeLeftovers(block, schedule, calls) }
  if plan.workload == .batch || plan.workload == .kunit || plan.workload == .handoff {
    // The loop's objects are gone; one more batch shows whether any two are the same memory.
    unsafe fill(block, plan, calls, block.pointee.objectCount)
  }
  unsafe freeObjects(block, plan, calls)
  if plan.workload == .larson, unsafe block.pointee.index == 0,
    let exchange = unsafe block.pointee.exchange
  {
    unsafe block.pointee.objects = exchange.swap(block.pointee.objects)
    unsafe freeObjects(block, plan, calls)
  }
}

private func freeObjects(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls
) {
  for index in 0..<(unsafe block.pointee.objectCount) {
    guard let object = unsafe block.pointee.objects[index] else { continue }
    unsafe block.pointee.objects[index] = nil
    if plan.checked, unsafe !unmark(object) { unsafe block.pointee.counts.mismatches &+= 1 }
    unsafe calls.free(object)
    unsafe block.pointee.counts.freed &+= 1
  }
}
