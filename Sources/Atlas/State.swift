/// A named state of the sheaf design: what the next call of an operation will find.
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
    /// Until the next ordinary allocation would change this counter.
    case before(String)
    /// So many blocks of whole pages allocated.
    case large(Int)
  }

  /// The counters that tell paths apart.
  static let paths = [
    "alloc_slow", "free_slow", "free_deferred", "line_busy", "request_seen", "spare_swap",
    "barn_get", "barn_put", "sheaf_alloc", "sheaf_refill", "sheaf_flush", "slab_alloc",
    "deferred_drained", "next_bucket", "nolock_null", "attach",
  ]
}

extension State {
  /// More than the barn and two sheaves hold, in the larger of the two instances.
  private static let many = 10_000

  init(
    _ operation: Operation, _ name: String, _ summary: String, _ start: Start, shows: [String],
    allows: [String] = [], detached: Bool = false, inside: Bool = false, size: Int? = nil
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
  }

  private static let making = ["sheaf_alloc", "sheaf_refill", "slab_alloc", "alloc_slow"]

  public static let all: [State] =
    allocating(.kmalloc) + [
      State(
        .kmalloc, "first-main", "the thread's first sheaf of a cache is made and filled", .fresh,
        shows: ["sheaf_alloc", "sheaf_refill"], allows: ["slab_alloc"]),
      State(
        .kmalloc, "refill", "a sheaf is filled from partial slabs", .shrunk(many),
        shows: ["sheaf_refill"], allows: ["sheaf_alloc"]),
      State(
        .kmalloc, "new-slab", "a sheaf is filled from a new slab", .warm,
        shows: ["sheaf_refill", "slab_alloc"], allows: ["sheaf_alloc"]),
      State(
        .kmalloc, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"]),
      State(
        .kmalloc, "drain-64", "as many deferred frees are drained as one call may", .deferring(64),
        shows: ["deferred_drained"]),
    ] + allocating(.kmallocNolock) + [
      State(
        .kmallocNolock, "slab-cas", "no sheaf has an object: the exchange on a partial slab",
        .fresh, shows: ["alloc_slow"]),
      State(
        .kmallocNolock, "new-slab", "no sheaf and no partial slab has one", .fresh,
        shows: ["alloc_slow", "slab_alloc"]),
      State(
        .kmallocNolock, "next-bucket", "no page may be had; the next larger bucket has an object",
        .exhausted(nextBucket: true), shows: ["next_bucket"], allows: ["alloc_slow"]),
      State(
        .kmallocNolock, "failed", "no page may be had and the next larger bucket is empty",
        .exhausted(nextBucket: false), shows: ["next_bucket", "nolock_null"]),
      State(
        .kmallocNolock, "busy", "the thread holds the line already", .warm, shows: ["line_busy"],
        allows: ["alloc_slow", "slab_alloc"], inside: true),
    ] + freeing(.kfree) + [
      State(
        .kfree, "new-sheaf", "main and spare are full and the barn has no empty sheaf",
        .grown(many), shows: ["sheaf_alloc"], allows: ["slab_alloc", "barn_put"]),
      State(
        .kfree, "flush", "the barn is full: a sheaf goes back to the slabs", .grown(many),
        shows: ["sheaf_flush"]),
      State(
        .kfree, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"],
        allows: ["sheaf_alloc", "slab_alloc", "barn_put", "spare_swap", "sheaf_flush"]),
    ] + freeing(.kfreeNolock) + [
      State(
        .kfreeNolock, "defer", "main and spare are full and the barn has no empty sheaf",
        .grown(many), shows: ["free_deferred"]),
      State(
        .kfreeNolock, "busy", "the thread holds the line already", .warm,
        shows: ["line_busy", "free_deferred"], inside: true),
    ]

  private static func allocating(_ operation: Operation) -> [State] {
    [
      State(operation, "hit", "main has an object", .warm, shows: ["alloc_fast"]),
      State(
        operation, "spare-swap", "main is empty, the spare is full", .shrunk(many),
        shows: ["spare_swap"]),
      State(
        operation, "barn-get", "main and spare are empty, the barn has a full sheaf",
        .shrunk(many), shows: ["barn_get"]),
      State(
        operation, "attach", "the thread's first call", .warm, shows: ["attach"],
        allows: making + ["barn_get"], detached: true),
    ]
  }

  private static func freeing(_ operation: Operation) -> [State] {
    [
      State(operation, "hit", "main has room", .warm, shows: ["free_fast"]),
      State(
        operation, "first-main", "the thread's first sheaf of a cache is made",
        .grownNolock(8), shows: ["free_fast", "sheaf_alloc"], allows: ["slab_alloc"]),
      State(
        operation, "spare-swap", "main is full, the spare is empty", .shrunk(200),
        shows: ["spare_swap"]),
      State(
        operation, "barn-put", "main and spare are full, the barn has an empty sheaf",
        .regrown(2_000), shows: ["barn_put"]),
      State(
        operation, "attach", "the thread's first call", .warm, shows: ["attach"],
        allows: making + ["barn_get"], detached: true),
    ]
  }

  /// The state of this operation and name.
  public static func find(_ operation: String, _ name: String) -> State? {
    all.first { $0.operation.rawValue == operation && $0.name == name }
  }
}
