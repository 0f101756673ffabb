/// The sizes that a workload asks for, as written in suites and on the command line.
public enum Mix: Equatable, Sendable {
  /// One size in bytes.
  case fixed(UInt32)
  /// Every size from `low` to `high` equally likely.
  case uniform(low: UInt32, high: UInt32)
  /// Powers of two, 8…8192; every size has the same share of the *bytes*.
  case pow2
  /// Element sizes typical of BPF programs.
  case bpf
  /// This machine's kmalloc caches, by active objects.
  case slabinfo
  /// The sizes of a recorded trace.
  case trace(String)

  /// Largest size in bytes that a mix may hold: the largest that a slab serves.
  public static let largest: UInt32 = 8192
  /// What may be written.
  public static let allowed =
    "fixed:N, uniform:A-B (1…\(largest)), pow2, bpf, slabinfo, trace:FILE"

  /// - Returns: `nil` iff `text` is none of `allowed`, a size is outside 1…8192, or A > B.
  public init?(_ text: String) {
    switch text {
    case "pow2": self = .pow2
    case "bpf": self = .bpf
    case "slabinfo": self = .slabinfo
    default:
      let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[1].isEmpty else { return nil }
      switch parts[0] {
      case "fixed":
        guard let size = Self.size(parts[1]) else { return nil }
        self = .fixed(size)
      case "uniform":
        let ends = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let low = Self.size(ends[0]), let high = Self.size(ends[1]),
          low <= high
        else { return nil }
        self = .uniform(low: low, high: high)
      case "trace": self = .trace(String(parts[1]))
      default: return nil
      }
    }
  }

  private static func size(_ text: Substring) -> UInt32? {
    guard let value = UInt32(text), value >= 1, value <= largest else { return nil }
    return value
  }
}
