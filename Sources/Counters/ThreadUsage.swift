import Glibc

/// What the kernel counted for one thread (getrusage(2), RUSAGE_THREAD).
public struct ThreadUsage {
  public var minorFaults: UInt64 = 0
  public var majorFaults: UInt64 = 0
  public var voluntarySwitches: UInt64 = 0
  public var involuntarySwitches: UInt64 = 0

  public init() {}

  /// The calling thread's counters since it started.  A system call.
  public static func now() -> ThreadUsage {
    var usage = rusage()
    // RUSAGE_THREAD, which glibc declares only with _GNU_SOURCE.
    unsafe getrusage(__rusage_who_t(1), &usage)
    var result = ThreadUsage()
    result.minorFaults = UInt64(usage.ru_minflt)
    result.majorFaults = UInt64(usage.ru_majflt)
    result.voluntarySwitches = UInt64(usage.ru_nvcsw)
    result.involuntarySwitches = UInt64(usage.ru_nivcsw)
    return result
  }

  /// Adds what happened between `start` and `end`.
  public mutating func add(from start: ThreadUsage, to end: ThreadUsage) {
    minorFaults &+= end.minorFaults &- start.minorFaults
    majorFaults &+= end.majorFaults &- start.majorFaults
    voluntarySwitches &+= end.voluntarySwitches &- start.voluntarySwitches
    involuntarySwitches &+= end.involuntarySwitches &- start.involuntarySwitches
  }
}
