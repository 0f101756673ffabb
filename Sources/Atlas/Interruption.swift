import CNolock
import CPlatform
import Subjects

/// Interrupts one call at its chosen boundaries.  Each time a forked process gets the handler's
/// part, so that every boundary is met in exactly the state that the call left, and the call itself
/// goes on undisturbed: one run for all boundaries.
@safe struct Interruption {
  let table: UnsafeMutablePointer<nl_boundary>
  let capacity: Int
  let size: Int
  let allocates: Bool
  let allocate: nl_call_allocate
  let release: nl_call_release
  let usableSize: (@convention(c) (UnsafeRawPointer?) -> Int)?
  let held: UnsafeMutableRawPointer?
  let statistics: CounterTable
  /// False: only the boundaries are recorded.
  let interrupts: Bool
  var count = nl_call_count()
  /// The instructions were not those recorded before.
  var differs = false
  /// The part of this process: 0 the call itself, 1 allocates in the handler, 2 frees.
  var role: Int32 = 0
  var at = 0
  var got: UnsafeMutableRawPointer?
  /// Boundaries without a write to memory between them are met by handlers in the same memory: the
  /// first is stepped, at the others the handler runs at full speed and must come to the same.
  let shares: Bool
  var stepped = -1
  var mayHaveWritten = true
  /// quadratic: the one boundary of this process; -1 = all that are chosen.
  let only: Int

  /// What the interrupted operation and the handler's allocations are marked with.
  static var mark: UInt64 { 0x6c6f_636b_6672_6565 }

  /// `Reaching.reach`'s `perform`.
  static let perform:
    @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<nl_call>) -> Void = {
      context, call in
      let me = unsafe context.assumingMemoryBound(to: Interruption.self)
      let count = unsafe nl_call_step(
        call,
        { context, boundary, rip in
          let me = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: Interruption.self)
          return unsafe me.pointee.visit(boundary, rip)
        }, context)
      if unsafe me.pointee.role != 0 { unsafe me.pointee.end(call.pointee) }
      unsafe me.pointee.count = count
    }

  /// Async-signal-safe.
  private mutating func visit(_ boundary: Int, _ rip: UInt) -> Int32 {
    let index = boundary &- 1
    guard index < capacity else {
      differs = true
      return 1
    }
    let entry = unsafe table + index
    guard interrupts else {
      unsafe entry.pointee.rip = rip
      return 0
    }
    if unsafe entry.pointee.rip != rip {
      differs = true
      return 1
    }
    guard unsafe entry.pointee.chosen == 1, only < 0 || only == index else {
      noteWrites(rip)
      return 0
    }
    at = index
    let known = shares && !mayHaveWritten ? stepped : -1
    unsafe interrupt(entry, like: known)
    if role != 0 { return 1 }
    if known < 0 {
      stepped = index
      mayHaveWritten = false
    } else if unsafe entry.pointee.allocation.state == NL_OUTCOME_OTHER.rawValue
      || entry.pointee.release.state == NL_OUTCOME_OTHER.rawValue
    {
      unsafe interrupt(entry, like: -1)
      if role != 0 { return 1 }
    }
    noteWrites(rip)
    return only == index ? 1 : 0
  }

  /// The instruction at `rip` comes next.
  private mutating func noteWrites(_ rip: UInt) {
    guard !mayHaveWritten, let code = unsafe UnsafePointer<UInt8>(bitPattern: rip) else { return }
    mayHaveWritten = unsafe nl_boundary_may_write(code) != 0
  }

  /// Both handlers at one boundary, each in a process of its own; `role` tells the processes apart.
  private mutating func interrupt(_ entry: UnsafeMutablePointer<nl_boundary>, like known: Int) {
    let first = nl_boundary_fork(20)
    if first == 0 {
      role = 1
      unsafe handle(&entry.pointee.allocation, like: known < 0 ? nil : table[known].allocation)
      return
    }
    let second = nl_boundary_fork(20)
    if second == 0 {
      role = 2
      unsafe handle(&entry.pointee.release, like: known < 0 ? nil : table[known].release)
      return
    }
    if first > 0 { _ = nl_boundary_wait(first) }
    if second > 0 { _ = nl_boundary_wait(second) }
  }

  /// The handler's call, counted; or at full speed where `known` has the counts of the same call.
  private mutating func handle(
    _ outcome: inout nl_outcome, like known: nl_outcome?
  ) {
    var call = unsafe nl_call()
    unsafe call.size = size
    if role == 1 {
      unsafe call.allocate = allocate
    } else {
      unsafe call.release = release
      unsafe call.object = held
    }
    statistics.remember()
    if let known {
      unsafe nl_call_run(&call)
      outcome.instructions = known.instructions
      outcome.system_calls = known.system_calls
      outcome.pauses = known.pauses
    } else {
      let count = unsafe nl_call_step(&call, nil, nil)
      outcome.instructions = UInt32(truncatingIfNeeded: count.instructions)
      outcome.system_calls = UInt32(truncatingIfNeeded: count.system_calls)
      outcome.pauses = UInt32(truncatingIfNeeded: count.pauses)
    }
    let changed = statistics.changed()
    outcome.changed = (changed.low, changed.high)
    if role == 1 {
      unsafe got = call.object
      outcome.is_null = unsafe call.object == nil ? 1 : 0
      if let usableSize = unsafe usableSize, let object = unsafe call.object {
        outcome.usable = UInt32(truncatingIfNeeded: unsafe usableSize(object))
      }
    }
    outcome.state = NL_OUTCOME_UNFINISHED.rawValue
    if let known,
      known.changed != outcome.changed || known.is_null != outcome.is_null
        || known.usable != outcome.usable
    {
      outcome.state = NL_OUTCOME_OTHER.rawValue
      nl_boundary_exit(0)
    }
  }

  /// The interrupted operation has ended as well: nothing may be handed out twice.
  private func end(_ call: nl_call) -> Never {
    var twice = false
    if let got = unsafe got { unsafe Self.take(got, &twice) }
    if allocates, let object = unsafe call.object { unsafe Self.take(object, &twice) }
    for _ in 0..<64 {
      if let object = unsafe allocate(size, 0, -1) { unsafe Self.take(object, &twice) }
    }
    let state = (twice ? NL_OUTCOME_TWICE : NL_OUTCOME_OK).rawValue
    if role == 1 {
      unsafe table[at].allocation.state = state
    } else {
      unsafe table[at].release.state = state
    }
    nl_boundary_exit(0)
  }

  private static func take(_ object: UnsafeMutableRawPointer, _ twice: inout Bool) {
    let word = unsafe object.assumingMemoryBound(to: UInt64.self)
    if unsafe word.pointee == mark { twice = true }
    unsafe word.pointee = mark
  }
}
