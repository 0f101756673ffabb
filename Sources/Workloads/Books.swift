import Subjects

/// What is wrong with a sample whose objects are all freed; nil if nothing is.
///
/// The harness counts its own calls and the subject counts by itself: two counts of one source
/// would prove nothing.
func bookError(
  _ counts: Counts, _ subject: Subject, statistics: SubjectStatistics, limited: Bool
) -> String? {
  let mismatches = counts.mismatches &+ counts.handlerMismatches
  if mismatches != 0 {
    return "an object was handed out twice, or written by another: \(mismatches) pattern mismatches"
  }
  if counts.allocFailed != 0 && !limited {
    return "kmalloc returned NULL \(counts.allocFailed) times without a memory limit"
  }
  let early = counts.earlyFrees &+ counts.handlerEarlyFrees
  if early != 0 { return "\(early) frees came before their allocation" }
  if counts.droppedFrees != 0 { return "\(counts.droppedFrees) remote frees were dropped" }
  if let errors = statistics.sum(["slab_errors", "bad_free"]), errors != 0 {
    return "\(subject.name) reports \(errors) slab errors"
  }
  let allocated = counts.totalAllocated
  let freed = counts.totalFreed
  if allocated != freed {
    return "books: the harness allocated \(allocated) and freed \(freed) objects"
  }
  let outcomes =
    counts.first &+ counts.nextBucket &+ counts.handlerFailed &+ counts.handlerZeroSized
  if counts.attempts != outcomes {
    return "books: \(counts.attempts) attempts in handlers, \(outcomes) outcomes"
  }
  if let theirs = statistics.sum(["alloc_fast", "alloc_slow", "alloc_large"]), theirs != allocated {
    return "books: the harness allocated \(allocated) objects, \(subject.name) counts \(theirs)"
  }
  if let theirs = statistics.sum(["free_fast", "free_slow", "free_deferred", "free_large"]),
    theirs != freed
  {
    return "books: the harness freed \(freed) objects, \(subject.name) counts \(theirs)"
  }
  return nil
}
