import CRecords

/// One replayable event: the 8-byte word of `trace.h`, with names for its fields.
///
/// Two words are equal iff every field is.  Layout: see `NL_TRACE_ID` and its sisters.
public struct TraceEvent: RawRepresentable, Hashable, Sendable {
  /// What the kernel did (`enum nl_trace_op`).
  public enum Operation: UInt8, Sendable {
    case allocate = 0
    /// A free on the CPU of the allocation.
    case freeLocal = 1
    /// A free on another CPU than the allocation's.
    case freeRemote = 2
  }

  /// Where the kernel did it (`enum nl_trace_context`): the innermost context wins, so a softirq
  /// with interrupts off is `softirq`, and `irqsOff` is task context with interrupts off.
  public enum Context: UInt8, Sendable, CaseIterable {
    case task = 0
    case softirq = 1
    case hardirq = 2
    case nmi = 3
    case irqsOff = 4
    /// The recording does not say: `perf script` prints no context column.
    case unknown = 5

    /// The name in every report.
    public var name: String {
      switch self {
      case .task: "task"
      case .softirq: "softirq"
      case .hardirq: "hardirq"
      case .nmi: "nmi"
      case .irqsOff: "irqs-off"
      case .unknown: "unknown"
      }
    }
  }

  /// Sizes are kept in 24 bits; kmalloc's own limit is 4 MiB on x86 (`KMALLOC_MAX_SIZE`).
  public static let maximumSize: UInt32 = 0xff_ffff

  public var rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// - Precondition: `size` is at most `maximumSize` (it is cut to 24 bits otherwise).
  init(
    id: UInt32, size: UInt32 = 0, operation: Operation, isZeroed: Bool = false,
    isAccounted: Bool = false, context: Context
  ) {
    rawValue =
      UInt64(id) | UInt64(size & Self.maximumSize) << 32 | UInt64(operation.rawValue) << 56
      | (isZeroed ? 1 << 58 : 0) | (isAccounted ? 1 << 59 : 0) | UInt64(context.rawValue) << 60
  }

  /// The allocation's number, 0, 1, 2 … in order of time; a free carries its allocation's.
  public var id: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

  /// Bytes asked for (`bytes_req`); 0 for frees.
  public var size: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) & Self.maximumSize }

  /// Bits 56…63 as they are: operation, flags, context and the reserved bit.
  var kind: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 56) }

  /// `nil` iff the word is not an event: operation 3.
  var checkedOperation: Operation? { Operation(rawValue: kind & 3) }

  /// `nil` iff the word is not an event: context 6 or 7.
  var checkedContext: Context? { Context(rawValue: (kind >> 4) & 7) }

  /// - Precondition: the word was validated (every event of a `Trace` was).
  public var operation: Operation { checkedOperation! }

  /// - Precondition: the word was validated (every event of a `Trace` was).
  public var context: Context { checkedContext! }

  /// Allocated with `__GFP_ZERO`.
  public var isZeroed: Bool { kind & 4 != 0 }

  /// Charged to a memory cgroup (`__GFP_ACCOUNT` or a `SLAB_ACCOUNT` cache).
  public var isAccounted: Bool { kind & 8 != 0 }

  /// The reserved bit, 0 in every valid file.
  var isReserved: Bool { kind & 0x80 != 0 }

  /// Not a free.
  public var isAllocation: Bool { kind & 3 == 0 }
}
