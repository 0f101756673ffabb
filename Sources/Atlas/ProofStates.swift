/// What every design has besides.
extension State {
  static let everyDesign: [State] = [
    State(
      .kmallocNolock, "zone-lock-held", "the thread holds the zone's lock already",
      .before("slab_alloc"),
      shows: ["zone_lock_busy"],
      allows: [
        "alloc_slow", "next_bucket", "slab_alloc", "nolock_null", "partial_remove", "line_busy",
        "cpu_partial_alloc", "cpu_partial_node",
      ], inside: true),
    State(
      .kmalloc, "large", "whole pages", .warm, shows: ["alloc_large"], size: largeSize),
    State(.kfree, "large", "whole pages", .large(4), shows: ["free_large"]),
    State(
      .threadAttach, "attach", "the thread has no block", .warm, shows: ["attach"], detached: true),
  ]

  /// Bytes of an object that no slab serves.
  static let largeSize = 12_000
}
