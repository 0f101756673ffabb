import CPlatform

/// `kunit`: the foreground of slub_kunit's nolock tests (kernel-reference §6.1): rounds of `batch`
/// objects, accounted in even rounds, freed by kfree_rcu in two of four where the subject has it.
/// The handlers' part is HandlerTraffic.kunitSignal.
func kunitLoop(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ plan: LoopPlan, _ calls: Calls, _ count: UInt64
) -> LoopOutcome {
  var failed: UInt64 = 0
  var left = count
  let objects = unsafe block.pointee.objects
  while left != 0 {
    let round = unsafe block.pointee.rounds
    unsafe block.pointee.rounds = round &+ 1
    let size = Int(truncatingIfNeeded: min(left, UInt64(truncatingIfNeeded: plan.batch)))
    let gfp = round & 1 == 0 ? calls.accountFlag : 0
    let later = unsafe round & 2 != 0 ? calls.freeRCU : nil
    unsafe failed &+= kunitRound(
      calls.allocate, later ?? calls.free, Int(plan.mix.sizes[0]), gfp, objects, size)
    left &-= UInt64(truncatingIfNeeded: size)
  }
  return LoopOutcome(failed: failed, empty: failed)
}

/// One round; the number of NULLs.
@inline(never)
func kunitRound(
  _ allocate: Allocate, _ free: Free, _ size: Int, _ gfp: UInt32,
  _ objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ count: Int
) -> UInt64 {
  var failed: UInt64 = 0
  var index = 0
  while index != count {
    let object = unsafe allocate(size, gfp, -1)
    unsafe objects[index] = object
    if let object = unsafe object { unsafe mark(object) } else { failed &+= 1 }
    index &+= 1
  }
  index = 0
  while index != count {
    if let object = unsafe objects[index] { unsafe free(object) }
    unsafe objects[index] = nil
    index &+= 1
  }
  return failed
}
