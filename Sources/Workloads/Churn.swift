/// `churn`: replaces a random one of `live` objects by a new one of a random size of the mix.
@inline(never)
func churnLoop(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable,
  _ slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ live: Int, _ random: inout UInt64,
  _ count: UInt64
) -> LoopOutcome {
  unsafe churnBody(allocate, free, mix, slots, live, &random, count, checked: false)
}

/// `churn` under a storm: each object's word is checked before its free.
@inline(never)
func checkedChurnLoop(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable,
  _ slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ live: Int, _ random: inout UInt64,
  _ count: UInt64
) -> LoopOutcome {
  unsafe churnBody(allocate, free, mix, slots, live, &random, count, checked: true)
}

@inline(__always)
private func churnBody(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable,
  _ slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ live: Int, _ random: inout UInt64,
  _ count: UInt64, checked: Bool
) -> LoopOutcome {
  let sizes = unsafe mix.sizes
  let mask = mix.mask
  let range = UInt64(truncatingIfNeeded: live)
  var state = random
  var outcome = LoopOutcome()
  var left = count
  while left != 0 {
    nextRandom(&state)
    // The high half picks the slot, the low bits the size.
    let slot = Int(truncatingIfNeeded: ((state &>> 32) &* range) &>> 32)
    if let old = unsafe slots[slot] {
      if checked, unsafe !unmark(old) { outcome.mismatches &+= 1 }
      unsafe free(old)
    } else {
      outcome.empty &+= 1
    }
    let new = unsafe allocate(Int(sizes[Int(truncatingIfNeeded: state & mask)]), 0, -1)
    unsafe slots[slot] = new
    if let new = unsafe new { unsafe mark(new) } else { outcome.failed &+= 1 }
    left &-= 1
  }
  random = state
  return outcome
}
