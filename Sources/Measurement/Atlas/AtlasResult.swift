/// One operation in one state, interrupted at its boundaries.
public struct AtlasResult: Codable, Equatable, Sendable {
  public var subject: String
  public var operation: String
  public var state: String
  /// Bytes that the operation and the handler ask for.
  public var size: Int
  /// Why there is no result; `nil` iff there is one.
  public var reason: String?
  /// Executed by the operation itself, undisturbed; source `step`.
  public var instructions = 0
  /// The same with each round of a `rep`.
  public var traps = 0
  public var systemCalls = 0
  /// What handlers at its boundaries met; empty when it was only counted.
  public var boundaries: [AtlasBoundary] = []
  public var bound: AtlasBound?

  /// The first boundary at which something was handed out twice or did not end, in words; nil where
  /// there is none.
  public var firstDefect: String? {
    guard let worst = boundaries.first(where: { $0.allocation.isDefect || $0.release.isDefect })
    else { return nil }
    let (call, outcome) =
      worst.allocation.isDefect
      ? ("kmalloc_nolock", worst.allocation) : ("kfree_nolock", worst.release)
    return "\(call) at boundary \(worst.number), \(worst.place)"
      + "\(worst.line.map { " (\($0))" } ?? ""): \(outcome.text)"
  }

  public init(subject: String, operation: String, state: String, size: Int) {
    self.subject = subject
    self.operation = operation
    self.state = state
    self.size = size
  }
}

/// One instruction that the operation was interrupted before.
public struct AtlasBoundary: Codable, Equatable, Sendable {
  /// Counts from 1: before the operation's first instruction.
  public var number: Int
  /// Offset in the object's image, as in its symbol table.
  public var address: UInt64
  public var object: String
  public var symbol: String?
  /// Bytes from the symbol's start.
  public var offset: UInt64?
  /// `File.swift:12`; `nil` without debug information.
  public var line: String?
  /// How often the operation stands here; above 3 only its first, second and last time are tried.
  public var loop: Int
  public var allocation: AtlasOutcome
  public var release: AtlasOutcome

  /// `symbol+0x1c`, or the address.
  public var place: String {
    guard let symbol else { return "0x" + String(address, radix: 16) }
    return symbol + "+0x" + String(offset ?? 0, radix: 16)
  }
}

/// What became of a handler's kmalloc_nolock() or kfree_nolock().
public struct AtlasOutcome: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable {
    case first = "first try"
    case nextBucket = "next bucket"
    case deferred, failed
    /// A defect: the call, or the operation behind it, did not end.
    case hangs = "did not end"
    /// A defect: an object was handed out twice.
    case twice = "handed out twice"
  }
  public var kind: Kind
  /// Where from and why, by the subject's own counters: `slab, line_busy`.
  public var why: String
  /// Extra instructions of the interrupted thread; source `step`.
  public var instructions: Int
  public var systemCalls: Int
  /// `pause` instructions: rounds of a spin loop.
  public var pauses: Int

  public var text: String { why.isEmpty ? kind.rawValue : "\(kind.rawValue) (\(why))" }
}

/// What no handler's call exceeded, at no boundary.
public struct AtlasBound: Codable, Equatable, Sendable {
  public var allocationInstructions: Int
  public var releaseInstructions: Int
  public var buckets: Int
  public var failures: Int
  public var deferred: Int
  public var systemCalls: Int
  public var pauses: Int
  /// Boundaries at which something was handed out twice or did not end.
  public var defects: Int

  public var instructions: Int { max(allocationInstructions, releaseInstructions) }

  init(_ boundaries: [AtlasBoundary]) {
    let all = boundaries.flatMap { [$0.allocation, $0.release] }
    allocationInstructions = boundaries.map(\.allocation.instructions).max() ?? 0
    releaseInstructions = boundaries.map(\.release.instructions).max() ?? 0
    buckets = boundaries.contains { $0.allocation.triedNextBucket } ? 2 : 1
    failures = boundaries.count { $0.allocation.kind == .failed || $0.release.kind == .failed }
    deferred = boundaries.count { $0.release.kind == .deferred }
    systemCalls = all.map(\.systemCalls).max() ?? 0
    pauses = all.map(\.pauses).max() ?? 0
    defects = boundaries.count { $0.allocation.isDefect || $0.release.isDefect }
  }

  /// One line: `worst case 589 instructions …, never more than 1 bucket, never waits`.
  public var text: String {
    let waits =
      switch (systemCalls, pauses) {
      case (0, 0): "never waits"
      case (let calls, 0): "never spins, at most \(calls) system call\(calls == 1 ? "" : "s")"
      case (let calls, let pauses): "spins \(pauses) rounds, \(calls) system calls"
      }
    let broken = defects == 0 ? "" : ", \(defects) boundaries with a DEFECT"
    return "worst case \(instructions) instructions (kmalloc_nolock \(allocationInstructions), "
      + "kfree_nolock \(releaseInstructions)), never more than \(buckets) "
      + "bucket\(buckets == 1 ? "" : "s"), \(waits), \(failures) failed, \(deferred) deferred"
      + broken
  }
}

extension AtlasOutcome {
  var isDefect: Bool { kind == .hangs || kind == .twice }
  var triedNextBucket: Bool {
    why.split(separator: " ").contains("next_bucket") || kind == .nextBucket
  }
}
