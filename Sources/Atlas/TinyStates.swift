/// The states of SLUB_TINY: every object comes from a slab under list_lock.
extension State {
  private static let placing = ["free_slow", "partial_add", "partial_remove", "slab_free"]

  static let tiny: [State] =
    tinyAllocating(.kmalloc) + [
      slab(
        .kmalloc, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"], allows: placing + ["alloc_slow", "slab_alloc"]),
      slab(
        .kmalloc, "drain-64", "as many deferred frees are drained as one call may",
        .deferring(64), shows: ["deferred_drained"],
        allows: placing + ["alloc_slow", "slab_alloc"]),
    ] + tinyAllocating(.kmallocNolock) + [
      slab(
        .kmallocNolock, "next-bucket", "no page may be had; the next larger bucket has an object",
        .exhausted(nextBucket: true), shows: ["next_bucket", "alloc_slow"],
        allows: ["partial_remove"]),
      slab(
        .kmallocNolock, "failed", "no page may be had and the next larger bucket is empty",
        .exhausted(nextBucket: false), shows: ["next_bucket", "nolock_null"]),
      slab(
        .kfree, "partial", "an object of a partial slab", .grown(200), shows: ["free_slow"]),
      slab(
        .kfree, "full", "of a full slab, which goes on the node's list", .grown(200),
        shows: ["free_slow", "partial_add"]),
      slab(
        .kfree, "emptied", "the last object of a slab: its pages go back", .grown(200),
        shows: ["free_slow", "slab_free"], allows: ["partial_remove"]),
      slab(
        .kfree, "drain", "one deferred free is drained", .deferring(1),
        shows: ["deferred_drained"], allows: placing),
      slab(
        .kfree, "attach", "the thread's first call", .warm, shows: ["attach"], allows: placing,
        detached: true),
      slab(.kfreeNolock, "defer", "always", .warm, shows: ["free_deferred"]),
      slab(
        .kfreeNolock, "attach", "the thread's first call", .warm,
        shows: ["attach", "free_deferred"], detached: true),
    ]

  private static func tinyAllocating(_ operation: Operation) -> [State] {
    [
      slab(
        operation, "partial", "one object off a partial slab, under list_lock", .warm,
        shows: ["alloc_slow"]),
      slab(
        operation, "last-object", "the last of a partial slab, which leaves the list", .warm,
        shows: ["alloc_slow", "partial_remove"]),
      slab(
        operation, "new-slab", "no partial slab has one", .warm,
        shows: ["alloc_slow", "slab_alloc"], allows: ["partial_add"]),
      slab(
        operation, "attach", "the thread's first call", .warm, shows: ["attach", "alloc_slow"],
        allows: ["slab_alloc", "partial_add", "partial_remove"], detached: true),
    ]
  }

  static let tinyFurther: [State] = [
    slab(
      .kmallocNolock, "list-lock-held", "the thread holds list_lock already: the next bucket",
      .warm, shows: ["list_lock_busy", "next_bucket"],
      allows: ["alloc_slow", "slab_alloc", "partial_add", "partial_remove"], inside: true),
    State(.threadDetach, "detach", "the thread has nothing", .warm, shows: ["vcpus_now"]),
    slab(
      .threadDetach, "drain", "the thread has deferred frees", .deferring(8),
      shows: ["vcpus_now", "deferred_drained"], allows: placing),
    slab(
      .barrier, "drain", "deferred frees, no helper thread", .deferring(8),
      shows: ["deferred_drained"], allows: placing),
  ]
}
