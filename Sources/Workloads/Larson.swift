import CPlatform

/// Where a thread leaves its array of slots and takes the one that another left: one array more
/// than there are threads, so nobody ever waits.
///
/// After Larson and Krishnan's server simulation: what a thread frees was allocated by whoever had
/// the array before.  There the threads die and their successors inherit; here the arrays pass
/// between living threads, because a thread's birth costs as much as a sample's measured part.
@safe struct SlotExchange {
  typealias Slots = UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let left: UnsafeMutablePointer<UInt64>

  init(slots: Int) {
    unsafe left = unsafe mapped(UInt64.self, count: 16)
    let spare = unsafe mapped(UnsafeMutableRawPointer?.self, count: slots)
    unsafe left.pointee = UInt64(UInt(bitPattern: spare))
  }

  /// Leaves `own`, takes the other.
  @inline(__always)
  func swap(_ own: Slots) -> Slots {
    let taken = unsafe nl_thread_exchange_64(left, UInt64(UInt(bitPattern: own)))
    return unsafe Slots(bitPattern: UInt(taken)).unsafelyUnwrapped
  }
}

/// `larson`: replaces random slots; after as many operations as slots, the array is passed on.
func larsonLoop(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls, _ count: UInt64
) -> LoopOutcome {
  guard let exchange = unsafe block.pointee.exchange else { return LoopOutcome() }
  var sum = LoopOutcome()
  var left = count
  while left != 0 {
    if unsafe block.pointee.generationLeft == 0 {
      unsafe block.pointee.objects = exchange.swap(block.pointee.objects)
      unsafe block.pointee.generationLeft = UInt64(plan.live)
    }
    let part = unsafe min(left, block.pointee.generationLeft)
    let outcome =
      plan.checkedLoop
      ? unsafe checkedChurnLoop(
        calls.allocate, calls.free, plan.mix, block.pointee.objects, plan.live,
        &block.pointee.random, part)
      : unsafe churnLoop(
        calls.allocate, calls.free, plan.mix, block.pointee.objects, plan.live,
        &block.pointee.random, part)
    sum.failed &+= outcome.failed
    sum.empty &+= outcome.empty
    sum.mismatches &+= outcome.mismatches
    unsafe block.pointee.generationLeft &-= part
    left &-= part
  }
  return sum
}
