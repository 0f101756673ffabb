import CNolock
import CPlatform
import CRecords
import Counters
import Subjects

/// Operations that are counted unless the plan says how many.
private let usual = 1000

/// `pair`, `batch` or `churn` with exact instruction counts instead of times: source `step`.
///
/// The main thread alone, the subject's helper thread stopped where it can be; `live` objects are
/// alive, and a warm-up as long as the counted part has gone before; batches are whole.  With a dilation above 0 each
/// call takes one instruction more: the plant of a gate.
func countedSample(_ plan: Plan, _ subject: Subject) -> SampleRecord {
  if nl_step_available() == 0 {
    return SampleRecord(NL_SKIPPED, "counted: single-stepping needs x86_64")
  }
  _ = unsafe subject.ops.pointee.control?("worker", 0)
  _ = unsafe subject.ops.pointee.thread_attach?()
  var caller = CountedCaller(plan, subject)
  // One iteration is one repetition of the whole.
  let wanted = plan.iterations > 1 ? Int(min(plan.iterations, UInt64(usual))) : usual
  let operations = countedLoop(plan, wanted, &caller, subject)
  let part = SubjectStatistics(subject).difference(since: caller.before)
  var record = SampleRecord()
  let instructions = caller.allocation.sum &+ caller.release.sum
  record.add("step_instructions", instructions, NL_SRC_STEP)
  if plan.workload == .pair {
    record.add("step_instructions_per_kmalloc", caller.allocation.instructions, NL_SRC_STEP)
    record.add("step_instructions_per_kfree", caller.release.instructions, NL_SRC_STEP)
    record.add("step_traps_per_kmalloc", caller.allocation.traps, NL_SRC_STEP)
    record.add("step_traps_per_kfree", caller.release.traps, NL_SRC_STEP)
    record.add("step_distinct", max(caller.allocation.distinct, caller.release.distinct))
  }
  record.add("step_instructions_max_kmalloc", caller.allocation.instructions, NL_SRC_STEP)
  record.add("step_instructions_max_kfree", caller.release.instructions, NL_SRC_STEP)
  record.add("step_repeats", UInt64(operations))
  writeInstructionsByPMU(plan, wanted, operations, subject, to: &record)
  for (name, value) in part.values { record.add("stat.\(name)", value) }
  return record
}

/// The same loop at full speed, counted by the processor; only an error where it has no counter.
private func writeInstructionsByPMU(
  _ plan: Plan, _ wanted: Int, _ operations: Int, _ subject: Subject, to record: inout SampleRecord
) {
  var counters = ThreadCounters()
  var event = InstructionsOfCalls.event
  unsafe counters.open(&event, count: 1)
  var count = counters.count(of: 0)
  if count.error == 0 {
    var real = CountedCaller(plan, subject, by: counters)
    _ = countedLoop(plan, wanted, &real, subject)
    var empty = CountedCaller(emptyBy: real.counters)
    _ = countedLoop(plan, wanted, &empty, subject)
    count = InstructionsOfCalls.of(
      loop: real.counted, emptyLoop: empty.counted,
      emptyCalls: UInt64(operations) &* empty.instructionsOfEmptyPair())
    counters = empty.counters
  }
  let source = count.byRdpmc ? NL_SRC_PMU_RDPMC : NL_SRC_PMU_READ
  record.add("pmu_instructions", count.value, source, error: UInt32(bitPattern: count.error))
  if count.error == 0 {
    record.add("pmu_instructions.enabled_ns", count.timeEnabled, source)
    record.add("pmu_instructions.running_ns", count.timeRunning, source)
  }
  counters.close()
}

/// Returns the operations of the counted part.
private func countedLoop(
  _ plan: Plan, _ wanted: Int, _ caller: inout CountedCaller, _ subject: Subject
) -> Int {
  switch plan.workload {
  case .batch: countedBatches(plan, wanted, &caller, subject)
  case .churn: countedChurn(plan, wanted, &caller, subject)
  default: countedPairs(plan, wanted, &caller, subject)
  }
}

/// Makes the calls of a counted sample: at full speed in the warm-up, then stepped, or counted by
/// the processor as a whole.
@safe private struct CountedCaller {
  private(set) var allocation = Extremes()
  private(set) var release = Extremes()
  /// The subject's counters when the warm-up ended.
  private(set) var before: SubjectStatistics
  private var isCounting = false
  private var call = unsafe nl_call()
  private var other = unsafe nl_call()
  /// Not nil: the calls go on at full speed while these count.
  private var pmu: ThreadCounters?
  /// What they came to.
  private(set) var counted = EventCount()

  init(_ plan: Plan, _ subject: Subject) {
    let ops = unsafe subject.ops.pointee
    let allocate = unsafe plan.nolockCalls ? ops.kmalloc_nolock : ops.kmalloc
    let release = unsafe plan.nolockCalls ? ops.kfree_nolock : ops.kfree
    before = SubjectStatistics(subject)
    if plan.dilation > 0, let allocate = unsafe allocate, let release = unsafe release {
      unsafe nl_planted_set(allocate, release)
      unsafe call.allocate = nl_planted_allocate
      unsafe other.release = nl_planted_release
    } else {
      unsafe call.allocate = allocate
      unsafe other.release = release
    }
  }

  init(_ plan: Plan, _ subject: Subject, by counters: ThreadCounters) {
    self.init(plan, subject)
    pmu = counters
  }

  /// Calls that do nothing: the loop around the calls of the other.
  init(emptyBy counters: ThreadCounters) {
    before = SubjectStatistics()
    unsafe call.allocate = nl_null_kmalloc
    unsafe other.release = nl_null_kfree
    pmu = counters
  }

  var counters: ThreadCounters { pmu ?? ThreadCounters() }

  mutating func instructionsOfEmptyPair() -> UInt64 {
    let first = unsafe nl_call_step(&call, nil, nil)
    let second = unsafe nl_call_step(&other, nil, nil)
    return UInt64(first.instructions + second.instructions)
  }

  mutating func beginCounting(_ subject: Subject) {
    if pmu != nil {
      pmu?.clear()
      pmu?.start()
      return
    }
    before = SubjectStatistics(subject)
    isCounting = true
  }

  /// Right behind the last counted call.
  mutating func endCounting() {
    guard pmu != nil else { return }
    pmu?.stop()
    counted = pmu?.count(of: 0) ?? counted
  }

  mutating func allocate(_ size: UInt32) -> UnsafeMutableRawPointer? {
    unsafe call.size = Int(size)
    if isCounting {
      allocation.add(unsafe nl_call_step(&call, nil, nil))
    } else {
      unsafe nl_call_run(&call)
    }
    return unsafe call.object
  }

  mutating func free(_ object: UnsafeMutableRawPointer?) {
    unsafe other.object = object
    if isCounting {
      release.add(unsafe nl_call_step(&other, nil, nil))
    } else {
      unsafe nl_call_run(&other)
    }
  }
}

private func countedPairs(
  _ plan: Plan, _ repeats: Int, _ caller: inout CountedCaller, _ subject: Subject
) -> Int {
  let sizes = plan.mix
  let mask = sizes.count - 1
  let kept = unsafe mapped(UnsafeMutableRawPointer?.self, count: plan.live)
  for index in 0..<plan.live {
    unsafe kept[index] = subject.ops.pointee.kmalloc(Int(sizes.sizes[index & mask]), 0, -1)
  }
  for turn in 0..<2 * repeats {
    if turn == repeats { caller.beginCounting(subject) }
    let object = unsafe caller.allocate(sizes.sizes[turn & mask])
    unsafe caller.free(object)
  }
  caller.endCounting()
  for index in 0..<plan.live { unsafe subject.ops.pointee.kfree(kept[index]) }
  return repeats
}

private func countedBatches(
  _ plan: Plan, _ repeats: Int, _ caller: inout CountedCaller, _ subject: Subject
) -> Int {
  let sizes = plan.mix
  let mask = sizes.count - 1
  let objects = unsafe mapped(UnsafeMutableRawPointer?.self, count: plan.batch)
  let order = unsafe plan.shuffled ? permutation(count: plan.batch, seed: plan.seed) : nil
  let batches = (repeats + plan.batch - 1) / plan.batch
  for turn in 0..<2 * batches {
    if turn == batches { caller.beginCounting(subject) }
    for index in 0..<plan.batch {
      unsafe objects[index] = caller.allocate(sizes.sizes[index & mask])
    }
    for index in 0..<plan.batch {
      let place = unsafe order.map { unsafe Int($0[index]) } ?? index
      unsafe caller.free(objects[place])
    }
  }
  caller.endCounting()
  return batches * plan.batch
}

private func countedChurn(
  _ plan: Plan, _ repeats: Int, _ caller: inout CountedCaller, _ subject: Subject
) -> Int {
  let sizes = plan.mix
  let slots = unsafe mapped(UnsafeMutableRawPointer?.self, count: plan.live)
  for index in 0..<plan.live {
    unsafe slots[index] = caller.allocate(sizes.sizes[index & Int(sizes.mask)])
  }
  var random = plan.seed | 1
  for turn in 0..<2 * repeats {
    if turn == repeats { caller.beginCounting(subject) }
    nextRandom(&random)
    let slot = Int((random >> 32) * UInt64(plan.live) >> 32)
    unsafe caller.free(slots[slot])
    unsafe slots[slot] = caller.allocate(sizes.sizes[Int(random & sizes.mask)])
  }
  caller.endCounting()
  for index in 0..<plan.live { unsafe subject.ops.pointee.kfree(slots[index]) }
  return repeats
}

/// The sum, the largest count, and how many different ones there were in a row.
private struct Extremes {
  var sum: UInt64 = 0
  var instructions: UInt64 = 0
  var traps: UInt64 = 0
  var distinct: UInt64 = 0
  private var last = -1

  mutating func add(_ count: nl_call_count) {
    sum &+= UInt64(count.instructions)
    instructions = max(instructions, UInt64(count.instructions))
    traps = max(traps, UInt64(count.traps))
    if count.instructions != last { distinct &+= 1 }
    last = count.instructions
  }
}
