import CPlatform

// Compile flags that break one rule each, so that a test can show that it would notice:
//
//   NOLOCK_BROKEN_NO_TRYLOCK      the fast line does not test the lock
//   NOLOCK_BROKEN_EARLY_REQUEST   the request is tested before the lock store, not after it
//   NOLOCK_BROKEN_ONE_MEMBARRIER  the flusher fences once, after the poison
//   NOLOCK_BROKEN_NO_RECHECK      the owner does not look again after it restored the bounds
//   NOLOCK_BROKEN_CHARGE_ABORT    a nolock call whose charge failed frees to the slab, as the kernel
//   NOLOCK_BROKEN_BULK_REMOTE     a bulk free forgets local objects when a remote batch fills up
//   NOLOCK_BROKEN_RAW_NULL        a drained object keeps a raw NULL in its free-pointer slot
//   NOLOCK_BROKEN_EARLY_UNLOCK    a hit unlocks the line before it has stored `top`
//   NOLOCK_BROKEN_NO_PENDING      a deferred free is published before its link is marked pending
//   NOLOCK_BROKEN_LATE_DETACH     a drain detaches the list after it has freed what it read
//   NOLOCK_BROKEN_ONE_WAITER      a barrier does not wait for another's drain that is under way
//   NOLOCK_BROKEN_RT_FLUSH        RT: a flush gives up a line that it finds held
//   NOLOCK_BROKEN_UP_TRYLOCK      a central trylock always succeeds, as the kernel's on one CPU
//   NOLOCK_BROKEN_LEFT_LOCKS      nobody releases a central lock or a drain that a siglongjmp left behind
//   NOLOCK_BROKEN_GIVEN_UP        slabs of a list that a fork's child gave up still say that they are on it
//   NOLOCK_BROKEN_NO_PI           RT: who waits for a lock does not lend its priority
//
// NOLOCK_NO_CAS128 pretends that there is no 128-bit compare-and-exchange (Memory/SlabWords.swift).
//
// NOLOCK_WIDEN_LOCK and NOLOCK_WIDEN_BOUNDS break nothing: the owner waits for the flusher, for some
// microseconds, where a missing step of its own would hurt: before its lock store, or before it
// restores the bounds.  NOLOCK_WIDEN_STORES keeps the bounds in the owner's store buffer, behind stores
// that miss the caches: the race of the single fence is one of that buffer, which a delay would drain.
// The sound code must pass with them, too.

/// How far a remote flusher is.
enum FlusherPhase {
  static var idle: UInt32 { 0 }
  /// The bounds are poisoned, the locks not yet looked at.
  static var poisoned: UInt32 { 1 }
  /// A line was found free and is being emptied.
  static var taking: UInt32 { 2 }

  @inline(__always)
  static func enter(_ phase: UInt32, pausing pauses: Int = 0) {
    #if NOLOCK_WIDEN_LOCK || NOLOCK_WIDEN_BOUNDS || NOLOCK_WIDEN_STORES
      unsafe nl_store_u32(nl_get_flusher_phase(), phase)
      var i = 0
      while i < pauses {
        nl_pause()
        i &+= 1
      }
    #endif
  }

  /// The owner, before its lock store.
  @inline(__always)
  static func beforeLock() {
    #if NOLOCK_WIDEN_LOCK
      waitForFlusher(taking)
    #endif
  }

  /// The owner, before it restores the bounds.
  @inline(__always)
  static func beforeBounds(_ line: UnsafeMutablePointer<nl_line>) {
    #if NOLOCK_WIDEN_BOUNDS
      waitForFlusher(poisoned)
    #endif
    #if NOLOCK_WIDEN_STORES
      delayStores(UInt(bitPattern: line))
    #endif
  }

  /// Stores to lines that are in no cache: of blocks 8,192 threads further, which nobody has yet.
  private static func delayStores(_ line: UInt) {
    var x = nl_cycles()
    var i = 0
    while i < 32 {
      x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let place = line &+ (64 << 20) &+ UInt(x &>> 43) &* 64  // within 128 MiB
      unsafe UnsafeMutablePointer<UInt64>(bitPattern: place)?.pointee = x
      i &+= 1
    }
  }

  /// Now and then waits, but not for ever, until a flusher is in `phase`.
  private static func waitForFlusher(_ phase: UInt32) {
    if nl_cycles() &>> 4 & 3 != 0 { return }
    var i = 0
    while i < 1000, unsafe nl_load_u32(nl_get_flusher_phase()) != phase {
      nl_pause()
      i &+= 1
    }
  }
}
