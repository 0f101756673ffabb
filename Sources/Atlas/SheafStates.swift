/// The states of the sheaf design.
extension State {
  private static let making = ["sheaf_alloc", "sheaf_refill", "slab_alloc", "alloc_slow"]

  /// - Parameter hasNextBucket: a nolock call that finds its bucket busy tries the next larger one.
  static func sheaves(hasNextBucket: Bool) -> [State] {
    let states =
      allocating(.kmalloc) + ordinaryAllocations + allocating(.kmallocNolock)
      + nolockAllocations(hasNextBucket) + freeing(.kfree) + ordinaryFrees
      + freeing(.kfreeNolock) + nolockFrees
    return hasNextBucket ? states : states.filter { $0.name != "next-bucket" }
  }

  private static let ordinaryAllocations = [
    State(
      .kmalloc, "first-main", "the thread's first sheaf of a cache is made and filled", .fresh,
      shows: ["sheaf_alloc", "sheaf_refill"], allows: ["slab_alloc"]),
    State(
      // A large sheaf takes more than the empty slabs that a node keeps.
      .kmalloc, "refill", "a sheaf is filled from partial slabs", .shrunk(many),
      shows: ["sheaf_refill", "partial_remove"], allows: ["sheaf_alloc", "slab_alloc"]),
    State(
      .kmalloc, "new-slab", "a sheaf is filled from a new slab", .warm,
      shows: ["sheaf_refill", "slab_alloc"], allows: ["sheaf_alloc"]),
    State(
      .kmalloc, "drain", "one deferred free is drained", .deferring(1),
      shows: ["deferred_drained"], allows: ["spare_swap"]),
    State(
      .kmalloc, "drain-64", "as many deferred frees are drained as one call may", .deferring(64),
      shows: ["deferred_drained"], allows: ["spare_swap"]),
  ]

  private static func nolockAllocations(_ hasNextBucket: Bool) -> [State] {
    [
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
        .exhausted(nextBucket: false),
        shows: hasNextBucket ? ["next_bucket", "nolock_null"] : ["nolock_null"]),
      State(
        .kmallocNolock, "busy", "the thread holds the line already", .warm, shows: ["line_busy"],
        allows: ["alloc_slow", "slab_alloc"], inside: true),
    ]
  }

  private static let ordinaryFrees = [
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
  ]

  private static let nolockFrees = [
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
        operation, "spare-swap", "main is full, the spare is empty", .shrunk(2_000),
        shows: ["spare_swap"]),
      State(
        operation, "barn-put", "main and spare are full, the barn has an empty sheaf",
        .regrown(2_000), shows: ["barn_put"]),
      State(
        operation, "attach", "the thread's first call", .warm, shows: ["attach"],
        allows: making + ["barn_get"], detached: true),
    ]
  }
}

extension State {
  static func sheavesFurther(hasNextBucket: Bool) -> [State] {
    [
      State(
        .kmallocNolock, "list-lock-held", "the thread holds list_lock already", .fresh,
        shows: ["list_lock_busy"],
        allows: ["alloc_slow", "slab_alloc", hasNextBucket ? "next_bucket" : "nolock_null"],
        inside: true),
      State(
        .threadDetach, "detach", "the thread has a sheaf", .warm,
        shows: ["vcpus_now", "sheaf_free"], allows: ["sheaf_flush"]),
      State(
        .threadDetach, "drain", "the thread has a sheaf and deferred frees", .deferring(8),
        shows: ["vcpus_now", "deferred_drained"], allows: ["sheaf_flush"]),
      State(
        .barrier, "drain", "deferred frees, no helper thread", .deferring(8),
        shows: ["deferred_drained"]),
    ]
  }
}
