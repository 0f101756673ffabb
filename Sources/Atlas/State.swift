import CNolock
public import Subjects

/// A named state of a design: what the next call of an operation will find.
///
/// A state is recognised by the subject's own counters and not by its memory, so that it means the
/// same in every revision: a call that changes every counter of `shows`, and no other of `paths` but
/// those of `allows`, was made in this state.
public struct State: Sendable {
  public let operation: Operation
  public let name: String
  /// One line.
  public let summary: String
  let shows: [String]
  let allows: [String]
  let start: Start
  /// The thread's block is given back before each attempt.
  var detached = false
  /// The call is made inside an ordinary allocation, at its first boundary where it finds this.
  var inside = false
  /// Bytes that the operation asks for, where it is not the run's size.
  var size: Int?
  /// The counters that tell paths apart.
  var paths = State.paths

  /// What is done before the first attempt.
  enum Start: Sendable {
    /// Nothing: no sheaf has ever been installed.
    case fresh
    /// A few objects on main.
    case warm
    /// So many objects allocated by the ordinary call, for the attempts to free.
    case grown(Int)
    /// So many objects allocated by the nolock call.
    case grownNolock(Int)
    /// So many allocated and freed again.
    case shrunk(Int)
    /// So many allocated, freed and allocated again: the barn has empty sheaves.
    case regrown(Int)
    /// Filled by kfree_nolock until so many frees were deferred.
    case deferring(Int)
    /// No further page may be had; with objects of the next larger bucket on its main, or without.
    case exhausted(nextBucket: Bool)
    /// So many allocated and freed, then until the next ordinary allocation would change this counter.
    case before(String, shrunk: Int = 0)
    /// So many allocated, to be freed across the slabs: of every slab one, of every slab another…
    case scattered(Int)
    /// So many allocated; another thread freed the last of them, so many.
    case freedElsewhere(Int, last: Int)
    /// So many allocated by another thread, which lives on.
    case elsewhere(Int)
    /// Some allocated; another thread asked for a flush.
    case flushAsked
    /// So many allocated; an interrupted nolock call deferred the deactivation of a slab.
    case deferringSlab(Int)
    /// So many blocks of whole pages allocated.
    case large(Int)
  }

  /// The counters that tell paths apart.
  static let paths = [
    "alloc_slow", "free_slow", "free_deferred", "line_busy", "request_seen", "spare_swap",
    "barn_get", "barn_put", "sheaf_alloc", "sheaf_refill", "sheaf_flush", "slab_alloc",
    "deferred_drained", "next_bucket", "nolock_null", "attach", "deactivate",
    "deactivate_deferred", "cpu_partial_alloc", "cpu_partial_node", "cpu_partial_free",
    "cpu_partial_drain", "free_frozen",
  ]
  private static let slabPaths = paths + ["partial_add", "partial_remove", "slab_free"]

  /// A state of a design in which single objects come from slabs and go to slabs.
  static func slab(
    _ operation: Operation, _ name: String, _ summary: String, _ start: Start, shows: [String],
    allows: [String] = [], detached: Bool = false, inside: Bool = false
  ) -> State {
    State(
      operation, name, summary, start, shows: shows, allows: allows, detached: detached,
      inside: inside, paths: slabPaths)
  }
}

extension State {
  /// More than the barn and two sheaves hold, in the larger of the two instances.
  static let many = 40_000

  init(
    _ operation: Operation, _ name: String, _ summary: String, _ start: Start, shows: [String],
    allows: [String] = [], detached: Bool = false, inside: Bool = false, size: Int? = nil,
    paths: [String] = State.paths
  ) {
    self.operation = operation
    self.name = name
    self.summary = summary
    self.start = start
    self.shows = shows
    self.allows = allows
    self.detached = detached
    self.inside = inside
    self.size = size
    self.paths = paths
  }

  /// The states of a subject's design, which the name of its table tells; the same in its PREEMPT_RT
  /// form and with checks.
  public static func all(of subject: Subject) -> [State] {
    switch design(subject) {
    // RT: nobody is asked to give up, whoever flushes takes the lock.
    case "cpuslab": cpuslab.filter { $0.name != "give-up" || !needsContext(subject) }
    case "tiny": tiny
    case let design: sheaves(hasNextBucket: design != "gfpflag")
    }
  }

  /// What the atlas does not show and the proof needs: locks found held, and the entry points that
  /// are no allocation and no free.
  public static func further(of subject: Subject) -> [State] {
    switch design(subject) {
    case "cpuslab": cpuslabFurther + everyDesign
    case "tiny": tinyFurther + everyDesign
    case let design: sheavesFurther(hasNextBucket: design != "gfpflag") + everyDesign
    }
  }

  /// The state of this operation and name.
  public static func find(_ subject: Subject, _ operation: String, _ name: String) -> State? {
    all(of: subject).first { $0.operation.rawValue == operation && $0.name == name }
  }

  /// Whether a nolock call of the subject needs a declared context (PREEMPT_RT).
  public static func needsContext(_ subject: Subject) -> Bool {
    tableName(subject).hasSuffix("-rt")
  }

  /// How a remote flush of the subject must end (boundaries.h).
  public enum Flush: Sendable { case takesWhatIsFree, onlyAsks, hasNothing, mayWait }
  public static func flush(_ subject: Subject) -> Flush {
    if needsContext(subject) { return .mayWait }
    switch design(subject) {
    case "cpuslab": return .onlyAsks
    case "tiny": return .hasNothing
    default: return .takesWhatIsFree
    }
  }

  private static func tableName(_ subject: Subject) -> String {
    unsafe subject.ops.pointee.name.map { unsafe String(cString: $0) } ?? ""
  }

  private static func design(_ subject: Subject) -> String {
    String(tableName(subject).prefix { $0 != "-" && $0 != "+" })
  }
}
