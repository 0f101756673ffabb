extension State {
  /// What the atlas does not show and the proof needs: locks found held, and the entry points that
  /// are no allocation and no free.
  public static let further: [State] = [
    State(
      .kmallocNolock, "list-lock-held", "the thread holds list_lock already", .fresh,
      shows: ["list_lock_busy"], allows: ["alloc_slow", "next_bucket", "slab_alloc"],
      inside: true),
    State(
      .kmallocNolock, "zone-lock-held", "the thread holds the zone's lock already",
      .before("slab_alloc"),
      shows: ["zone_lock_busy"],
      allows: ["alloc_slow", "next_bucket", "slab_alloc", "nolock_null"], inside: true),
    State(
      .kmalloc, "large", "whole pages", .warm, shows: ["alloc_large"], size: largeSize),
    State(.kfree, "large", "whole pages", .large(4), shows: ["free_large"]),
    State(
      .threadAttach, "attach", "the thread has no block", .warm, shows: ["attach"], detached: true),
    State(
      .threadDetach, "detach", "the thread has a sheaf", .warm, shows: ["vcpus_now", "sheaf_free"],
      allows: ["sheaf_flush"]),
    State(
      .threadDetach, "drain", "the thread has a sheaf and deferred frees", .deferring(8),
      shows: ["vcpus_now", "deferred_drained"], allows: ["sheaf_flush"]),
    State(
      .barrier, "drain", "deferred frees, no helper thread", .deferring(8),
      shows: ["deferred_drained"]),
  ]

  /// Bytes of an object that no slab serves.
  static let largeSize = 12_000
}
