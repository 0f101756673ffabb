/// What a loop did besides its operations.
struct LoopOutcome {
  /// kmalloc() that returned NULL.
  var failed: UInt64 = 0
  /// Frees that did not happen because the allocation had failed.
  var empty: UInt64 = 0
  var mismatches: UInt64 = 0
}

/// `pair` with one size: allocate, write one word, free at once.
@inline(never)
func pairLoop(
  _ allocate: Allocate, _ free: Free, _ size: Int, _ count: UInt64
) -> LoopOutcome {
  var failed: UInt64 = 0
  var left = count
  while left != 0 {
    if let object = unsafe allocate(size, 0, -1) {
      unsafe mark(object)
      unsafe free(object)
    } else {
      failed &+= 1
    }
    left &-= 1
  }
  return LoopOutcome(failed: failed, empty: failed)
}

/// `pair` with sizes in turn from a table.
@inline(never)
func pairLoop(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable, _ count: UInt64
) -> LoopOutcome {
  let sizes = unsafe mix.sizes
  let mask = mix.mask
  var failed: UInt64 = 0
  var left = count
  while left != 0 {
    let size = unsafe Int(sizes[Int(truncatingIfNeeded: left & mask)])
    if let object = unsafe allocate(size, 0, -1) {
      unsafe mark(object)
      unsafe free(object)
    } else {
      failed &+= 1
    }
    left &-= 1
  }
  return LoopOutcome(failed: failed, empty: failed)
}

/// `pair` under a storm: the word is checked before the free.
@inline(never)
func checkedPairLoop(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable, _ count: UInt64
) -> LoopOutcome {
  let sizes = unsafe mix.sizes
  let mask = mix.mask
  var outcome = LoopOutcome()
  var left = count
  while left != 0 {
    let size = unsafe Int(sizes[Int(truncatingIfNeeded: left & mask)])
    if let object = unsafe allocate(size, 0, -1) {
      unsafe mark(object)
      if unsafe !unmark(object) { outcome.mismatches &+= 1 }
      unsafe free(object)
    } else {
      outcome.failed &+= 1
    }
    left &-= 1
  }
  outcome.empty = outcome.failed
  return outcome
}
