/// The sizes of a trace's allocations: the mix `trace:FILE`.
public struct TraceMix: Sendable, Equatable {
  /// How often each size was asked for, by size in bytes.
  public let weights: [UInt32: UInt64]

  public init(_ trace: Trace) {
    var weights: [UInt32: UInt64] = [:]
    for stream in trace.streams {
      for event in stream where event.isAllocation { weights[event.size, default: 0] += 1 }
    }
    self.weights = weights
  }

  /// By size, rising; sizes of 0 and above 8192 bytes included, as the kernel saw them.
  public var distribution: [(size: UInt32, weight: UInt64)] {
    weights.sorted { $0.key < $1.key }.map { (size: $0.key, weight: $0.value) }
  }

  /// All allocations.
  public var total: UInt64 { weights.values.reduce(0, +) }
}
