/// What may run between two instructions of a call on the same vCPU, as a type (CONFIG_PREEMPT_RT):
/// what one form needs is not even compiled into the other.
protocol Preemption {
  static var isRT: Bool { get }
}

/// A vCPU belongs to one thread, and only that thread's signal handlers interrupt it: its locks are
/// plain bytes, its counters plain words.
enum PreemptNone: Preemption {
  @inline(__always)
  static var isRT: Bool { false }
}

/// Several threads share a vCPU and preempt each other anywhere: its locks have owners, and its
/// counters are atomic.  No lock is taken in hard interrupt and NMI context, not even by trying,
/// because giving it back may have to wake somebody (kernel-reference §1.3).
enum PreemptRT: Preemption {
  @inline(__always)
  static var isRT: Bool { true }
}
