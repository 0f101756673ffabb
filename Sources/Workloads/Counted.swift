import CPlatform
import CRecords
import Subjects

/// Calls that are counted.
private let repeats = 1000

/// `pair` with exact instruction counts instead of times: source `step`.
///
/// The main thread alone, the subject's helper thread stopped where it can be; `live` objects are
/// alive, and a warm-up has gone before.
func countedSample(_ plan: Plan, _ subject: Subject) -> SampleRecord {
  if nl_step_available() == 0 { return SampleRecord(NL_SKIPPED, "counted: single-stepping needs x86_64") }
  _ = unsafe subject.ops.pointee.control?("worker", 0)
  _ = unsafe subject.ops.pointee.thread_attach?()
  let ops = unsafe subject.ops.pointee
  let sizes = plan.mix
  var alive: [UnsafeMutableRawPointer?] = unsafe []
  for index in 0..<plan.live {
    unsafe alive.append(ops.kmalloc(Int(sizes.sizes[index & (sizes.count - 1)]), 0, -1))
  }
  var allocation = Extremes()
  var release = Extremes()
  for turn in 0..<2 * repeats {
    var call = unsafe nl_call()
    unsafe call.allocate = plan.nolockCalls ? ops.kmalloc_nolock : ops.kmalloc
    unsafe call.size = Int(sizes.sizes[turn & (sizes.count - 1)])
    var other = unsafe nl_call()
    unsafe other.release = plan.nolockCalls ? ops.kfree_nolock : ops.kfree
    if turn < repeats {
      unsafe nl_call_run(&call)
      unsafe other.object = call.object
      unsafe nl_call_run(&other)
    } else {
      allocation.add(unsafe nl_call_step(&call, nil, nil))
      unsafe other.object = call.object
      release.add(unsafe nl_call_step(&other, nil, nil))
    }
  }
  for index in unsafe alive.indices { unsafe ops.kfree(alive[index]) }
  var record = SampleRecord()
  record.add("step_instructions_per_kmalloc", allocation.instructions, NL_SRC_STEP)
  record.add("step_instructions_per_kfree", release.instructions, NL_SRC_STEP)
  record.add("step_traps_per_kmalloc", allocation.traps, NL_SRC_STEP)
  record.add("step_traps_per_kfree", release.traps, NL_SRC_STEP)
  record.add("step_repeats", UInt64(repeats))
  record.add("step_distinct", max(allocation.distinct, release.distinct))
  return record
}

/// The largest count, and how many different ones there were in a row.
private struct Extremes {
  var instructions: UInt64 = 0
  var traps: UInt64 = 0
  var distinct: UInt64 = 0
  private var last = -1

  mutating func add(_ count: nl_call_count) {
    instructions = max(instructions, UInt64(count.instructions))
    traps = max(traps, UInt64(count.traps))
    if count.instructions != last { distinct &+= 1 }
    last = count.instructions
  }
}
