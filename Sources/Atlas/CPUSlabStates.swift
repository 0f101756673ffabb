/// The states of the design of Linux 6.18: a slab per CPU and a chain of partial ones.
extension State {
  /// Where an allocation finds a slab.
  private static let taking = [
    "alloc_slow", "cpu_partial_alloc", "cpu_partial_node", "partial_remove", "slab_alloc",
  ]
  /// What an object on its way to its slab may change.
  private static let placing = [
    "cpu_partial_free", "cpu_partial_drain", "partial_add", "partial_remove", "free_frozen",
    "slab_free", "free_slow", "deactivate", "deferred_drained",
  ]

  static let cpuslab: [State] =
    slabAllocating(.kmalloc) + [
      slab(
        .kmalloc, "give-up", "a flusher asked: slab and chain go back to the node", .flushAsked,
        shows: ["deactivate"], allows: taking + placing),
      slab(
        .kmalloc, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"], allows: taking + placing),
      slab(
        .kmalloc, "drain-64", "as many deferred frees are drained as one call may",
        .deferring(64), shows: ["deferred_drained"], allows: taking + placing),
      slab(
        .kmalloc, "drain-slab", "a deferred deactivation is made up for", .deferringSlab(0),
        shows: ["deactivate"], allows: taking + placing),
    ] + slabAllocating(.kmallocNolock) + [
      slab(
        .kmallocNolock, "next-bucket", "no page may be had; the next larger bucket has an object",
        .exhausted(nextBucket: true), shows: ["next_bucket"], allows: taking),
      slab(
        .kmallocNolock, "failed", "no page may be had and the next larger bucket is empty",
        .exhausted(nextBucket: false), shows: ["next_bucket", "nolock_null"], allows: taking),
      slab(
        .kmallocNolock, "busy", "the thread holds the line already: −EBUSY, the next bucket",
        .before("alloc_slow"), shows: ["line_busy", "next_bucket"], allows: taking, inside: true),
    ] + [
      slab(.kfree, "hit", "an object of the active slab", .warm, shows: ["free_fast"]),
      slab(
        .kfree, "frozen", "an object of another thread's active slab", .elsewhere(8),
        shows: ["free_slow", "free_frozen"]),
      slab(
        .kfree, "partial", "an object of a partial slab", .scattered(2_000), shows: ["free_slow"]),
      slab(
        .kfree, "full", "of a full slab, which goes on the vCPU's chain", .grown(2_000),
        shows: ["free_slow", "cpu_partial_free"]),
      slab(
        .kfree, "chain-drain", "the same, and a chain too long goes to the node", .grown(many),
        shows: ["cpu_partial_drain"], allows: placing),
      slab(
        .kfree, "emptied", "the last object of a slab that the node has no use for",
        .scattered(2_000), shows: ["free_slow", "slab_free"], allows: ["partial_remove"]),
      slab(
        .kfree, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"], allows: placing),
      slab(
        .kfree, "drain-slab", "a deferred deactivation is made up for", .deferringSlab(200),
        shows: ["deactivate"], allows: placing),
      slab(
        .kfree, "attach", "the thread's first call", .warm, shows: ["attach"], allows: placing,
        detached: true),
      slab(.kfreeNolock, "hit", "an object of the active slab", .warm, shows: ["free_fast"]),
      slab(
        .kfreeNolock, "defer", "an object of any other slab", .grown(2_000),
        shows: ["free_deferred"]),
      slab(
        .kfreeNolock, "busy", "the thread holds the line already", .before("alloc_slow"),
        shows: ["line_busy", "free_deferred"], inside: true),
      slab(
        .kfreeNolock, "attach", "the thread's first call", .warm,
        shows: ["attach", "free_deferred"], detached: true),
    ]

  private static func slabAllocating(_ operation: Operation) -> [State] {
    [
      slab(operation, "hit", "the active slab has an object", .warm, shows: ["alloc_fast"]),
      slab(
        operation, "regain", "objects that others freed onto the active slab are taken",
        .freedElsewhere(8, last: 4), shows: ["alloc_slow"]),
      slab(
        operation, "cpu-partial", "a slab of the vCPU's chain becomes active", .shrunk(2_000),
        shows: ["alloc_slow", "cpu_partial_alloc"]),
      slab(
        operation, "node-partial", "slabs of the node's list are taken", .shrunk(2_000),
        shows: ["alloc_slow", "partial_remove"], allows: ["cpu_partial_node"]),
      slab(
        operation, "new-slab", "no partial slab has one", .warm,
        shows: ["alloc_slow", "slab_alloc"]),
      slab(
        operation, "attach", "the thread's first call", .warm, shows: ["attach"], allows: taking,
        detached: true),
    ]
  }

  static let cpuslabFurther: [State] = [
    slab(
      .kmallocNolock, "list-lock-held", "the thread holds list_lock already",
      .before("partial_remove", shrunk: 2_000), shows: ["list_lock_busy"],
      allows: taking + ["next_bucket"], inside: true),
    slab(
      .threadDetach, "detach", "the thread has an active slab", .warm,
      shows: ["vcpus_now", "deactivate"], allows: placing),
    slab(
      .threadDetach, "drain", "the same, and deferred frees", .deferring(8),
      shows: ["vcpus_now", "deferred_drained"], allows: placing),
    slab(
      .barrier, "drain", "deferred frees, no helper thread", .deferring(8),
      shows: ["deferred_drained"], allows: placing),
    slab(
      .barrier, "drain-slab", "a deferred deactivation, no helper thread", .deferringSlab(0),
      shows: ["deactivate"], allows: placing),
  ]
}
