import CNolock
import CPlatform
public import Subjects

/// How much of a state is asked for.
public enum AtlasMode: Sendable {
  /// The operation's own instructions only.
  case count
  /// Every boundary; of an instruction that the call meets more than three times, the first, the
  /// second and the last.
  case linear
  /// Every boundary, and the handler's instructions counted at each.
  case exhaustive
  /// The boundaries of `linear`, the state made afresh for each.
  case quadratic
}

/// Counts and interrupts one operation in one state.  The state is made three times, each in a fresh
/// process: to find it, to record its boundaries, and to interrupt them.
@safe public struct AtlasRun {
  /// Boundaries that one call may have.
  static let capacity = 1 << 18

  /// What the processes tell each other; in memory they share.
  struct Shared {
    var attempt = -1
    var reached = false
    var differs = false
    var count = nl_call_count()
  }

  let subject: Subject
  let state: State
  let size: Int
  let shared: UnsafeMutablePointer<Shared>
  let table: UnsafeMutablePointer<nl_boundary>

  /// nil without memory.
  public init?(_ subject: Subject, _ state: State, size: Int) {
    guard let memory = unsafe nl_boundary_shared(MemoryLayout<Shared>.size),
      let table = unsafe nl_boundary_shared(Self.capacity * MemoryLayout<nl_boundary>.stride)
    else { return nil }
    self.subject = subject
    self.state = state
    self.size = size
    unsafe shared = memory.bindMemory(to: Shared.self, capacity: 1)
    unsafe shared.initialize(to: Shared())
    unsafe self.table = table.bindMemory(to: nl_boundary.self, capacity: Self.capacity)
  }

  /// Why this subject has no atlas; nil if it has.
  ///
  /// Stops the subject's helper thread, so that the same calls lead to the same state.
  public static func refusal(_ subject: Subject) -> String? {
    if nl_step_available() == 0 { return "single-stepping needs x86_64" }
    if !subject.worksInHandlers { return "\(subject.name) promises nothing in a signal handler" }
    if unsafe !subject.can(NOLOCK_CAP_STATS) || subject.ops.pointee.stats == nil {
      return "\(subject.name) has no counters to tell its states by"
    }
    guard unsafe subject.ops.pointee.control?("worker", 0) == 0 else {
      return "\(subject.name) cannot stop its helper thread"
    }
    return nil
  }

  /// The operation's own exact counts; `boundaries` after it holds what was asked for.
  ///
  /// - Throws: why the state was not reached, or what differed between two runs.
  public func run(_ mode: AtlasMode) throws(AtlasError) -> nl_call_count {
    try search()
    try record()
    let first = unsafe shared.pointee.count
    guard mode != .count else {
      try record()
      guard unsafe shared.pointee.count.traps == first.traps,
        unsafe shared.pointee.count.instructions == first.instructions
      else { throw AtlasError("\(label): two runs differ in their instructions") }
      return first
    }
    choose(first.traps, all: mode == .exhaustive)
    if mode == .quadratic {
      for index in 0..<first.traps where unsafe table[index].chosen == 1 {
        try step(interrupting: true, only: index)
      }
      guard unsafe !shared.pointee.differs else {
        throw AtlasError("\(label): two runs differ in their instructions")
      }
      return first
    }
    try step(interrupting: true, shares: mode == .linear)
    guard unsafe !shared.pointee.differs, unsafe shared.pointee.count.traps == first.traps else {
      throw AtlasError("\(label): two runs differ in their instructions")
    }
    return first
  }

  func search() throws(AtlasError) {
    try inProcess { reaching in
      unsafe shared.pointee.attempt = reaching.search()
      unsafe shared.pointee.reached = shared.pointee.attempt >= 0
    }
    guard unsafe shared.pointee.reached else {
      throw AtlasError("\(label): no call showed this state")
    }
  }

  /// Seconds that `run` will take, and boundaries it will try, by trying three of them.
  ///
  /// - Throws: as `run`.
  public func estimate(_ mode: AtlasMode) throws(AtlasError) -> (seconds: Double, boundaries: Int) {
    let first = try run(.count)
    choose(first.traps, all: mode == .exhaustive)
    let chosen = (0..<first.traps).filter { unsafe table[$0].chosen == 1 }
    for index in chosen { unsafe table[index].chosen = 0 }
    for place in [0, chosen.count / 2, chosen.count - 1] { unsafe table[chosen[place]].chosen = 1 }
    let start = nl_clock_monotonic_ns()
    try step(interrupting: false)
    let recorded = nl_clock_monotonic_ns()
    try step(interrupting: true)
    let once = Double(recorded &- start) / 1e9
    let each = max(0, Double(nl_clock_monotonic_ns() &- recorded) / 1e9 - once) / 3
    let count = Double(chosen.count)
    return (mode == .quadratic ? count * (each + once) : once + count * each, chosen.count)
  }

  private func record() throws(AtlasError) {
    try step(interrupting: false)
    guard unsafe shared.pointee.reached else {
      throw AtlasError("\(label): the state could not be made a second time")
    }
    guard unsafe !shared.pointee.differs else {
      throw AtlasError("\(label): more than \(Self.capacity) boundaries")
    }
  }

  private func step(
    interrupting: Bool, shares: Bool = false, only: Int = -1
  ) throws(AtlasError) {
    unsafe shared.pointee.reached = false
    try inProcess { reaching in
      let ops = unsafe subject.ops.pointee
      var interruption = unsafe Interruption(
        table: table, capacity: Self.capacity, size: size, allocates: state.operation.allocates,
        allocate: ops.kmalloc_nolock!, release: ops.kfree_nolock!, usableSize: ops.ksize,
        held: reaching.bench.held, statistics: CounterTable(subject), interrupts: interrupting,
        shares: shares, only: only)
      let attempt = unsafe shared.pointee.attempt
      let reached = unsafe withUnsafeMutablePointer(to: &interruption) {
        unsafe reaching.reach(attempt, Interruption.perform, $0)
      }
      unsafe shared.pointee.reached = reached
      unsafe shared.pointee.differs = interruption.differs
      unsafe shared.pointee.count = interruption.count
    }
  }

  /// Runs `body` in a process of its own, whose allocator is as this one's: unused.
  func inProcess(_ body: (inout Reaching) -> Void) throws(AtlasError) {
    let child = nl_boundary_fork(600)
    guard child >= 0 else { throw AtlasError("\(label): fork failed") }
    if child == 0 {
      var reaching = Reaching(state, subject, size: size)
      body(&reaching)
      nl_boundary_exit(0)
    }
    let status = nl_boundary_wait(child)
    guard status == 0 else {
      throw AtlasError("\(label): its process ended with status \(status)")
    }
  }

  private func choose(_ count: Int, all: Bool) {
    var seen: [UInt: Int] = [:]
    for index in 0..<count { unsafe seen[table[index].rip, default: 0] += 1 }
    var met: [UInt: Int] = [:]
    for index in 0..<count {
      let rip = unsafe table[index].rip
      let total = seen[rip] ?? 1
      met[rip, default: 0] += 1
      let turn = met[rip] ?? 1
      unsafe table[index].loop = UInt32(total)
      unsafe table[index].chosen = all || total <= 3 || turn <= 2 || turn == total ? 1 : 0
    }
  }

  var label: String { "\(state.operation.rawValue)/\(state.name)" }
}

/// Why a state has no atlas.
public struct AtlasError: Error {
  public let text: String
  init(_ text: String) { self.text = text }
}
