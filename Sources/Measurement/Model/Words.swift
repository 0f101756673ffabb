import CRecords
import Synchronization

/// What the threads do (harness.md, "Workloads").
public enum Workload: String, Codable, CaseIterable, Sendable {
  case pair, batch, churn, storm, replay, handoff, larson, kunit

  /// What one operation is, for `ns_per_op`.
  public var operation: String {
    switch self {
    case .pair, .batch, .churn, .storm, .handoff, .larson, .kunit: "allocation with its free"
    case .replay: "trace event"
    }
  }

  /// One line for `nolock list workloads`.
  public var summary: String {
    switch self {
    case .pair: "allocate, then free; `live` other objects of the mix stay alive"
    case .batch: "allocate `batch` objects, then free all, in the same or a shuffled order"
    case .churn: "`live` objects per thread, a random one replaced at each step"
    case .storm: "handlers allocate and free over a busy `foreground` (pair or churn)"
    case .replay: "a recorded kernel trace, its CPUs as threads, cross-CPU frees in order"
    case .handoff: "each even thread allocates, its partner frees; time per object of the pair"
    case .larson: "churn in arrays of `live` slots that pass from thread to thread"
    case .kunit: "slub_kunit's nolock test: 1000 rounds of `batch` objects under an interrupt"
    }
  }

  var recordValue: UInt32 {
    switch self {
    case .pair: NL_PAIR.rawValue
    case .batch: NL_BATCH.rawValue
    case .churn: NL_CHURN.rawValue
    case .storm: NL_STORM.rawValue
    case .replay: NL_REPLAY.rawValue
    case .handoff: NL_HANDOFF.rawValue
    case .larson: NL_LARSON.rawValue
    case .kunit: NL_KUNIT.rawValue
    }
  }
}

/// Where the interrupts come from.
public enum InterruptSource: String, Codable, CaseIterable, Sendable {
  case none, timer, perf, tgkill, breakpoint, probe, step

  /// Whether arrivals follow a rate and not the foreground's own calls.
  public var hasRate: Bool { self == .timer || self == .perf || self == .tgkill }

  /// One line for `nolock list interrupts`.
  public var summary: String {
    switch self {
    case .none: "no interrupts"
    case .timer: "a POSIX timer per thread (SIGEV_THREAD_ID)"
    case .perf: "a perf event per thread: cycles, or cpu-clock where there is no PMU"
    case .tgkill: "another thread sends signals with tgkill"
    case .breakpoint:
      "a hardware breakpoint on each of at most 4 functions (nolock list functions SUBJECT)"
    case .probe:
      "points where a lock is held, of a subject DESIGN+probes"
    case .step: "every instruction of the foreground's allocator calls, by the trap flag"
    }
  }

  var recordValue: UInt32 {
    switch self {
    case .none: NL_IRQ_NONE.rawValue
    case .timer: NL_IRQ_TIMER.rawValue
    case .perf: NL_IRQ_PERF.rawValue
    case .tgkill: NL_IRQ_TGKILL.rawValue
    case .breakpoint: NL_IRQ_BREAKPOINT.rawValue
    case .probe: NL_IRQ_PROBE.rawValue
    case .step: NL_IRQ_STEP.rawValue
    }
  }
}

/// `batch`: the order of the frees.
public enum FreeOrder: String, Codable, CaseIterable, Sendable { case same, shuffled }

/// `storm`: what the handlers interrupt.
public enum Foreground: String, Codable, CaseIterable, Sendable { case pair, churn }

/// What a handler does: nolock calls, or nothing (the control cell).
public enum Handler: String, Codable, CaseIterable, Sendable { case nolock, empty }

/// Which calls the foreground of pair, batch and churn uses.
public enum Calls: String, Codable, CaseIterable, Sendable { case ordinary, nolock }

/// When interrupts arrive; `burst`: periodic, and several signals back to back at each arrival.
public enum Arrivals: String, Codable, CaseIterable, Sendable { case periodic, poisson, burst }

/// What may hold interrupts off: nothing, or the foreground while it is inside the allocator.
public enum InterruptClass: String, Codable, CaseIterable, Sendable { case nmi, hardirq }

/// Which threads are interrupted.
public enum InterruptedThreads: String, Codable, CaseIterable, Sendable { case each, first }

/// `perf` on a PMU: a fixed number of cycles, or a period that the kernel adapts to the rate.
public enum PerfMode: String, Codable, CaseIterable, Sendable { case period, frequency }

/// Where a value comes from (harness.md, "Files").
public enum Source: String, Codable, CaseIterable, Sendable {
  case count, clock, tsc
  case softwarePerf = "sw.perf"
  case step
  case pmuRead = "pmu.read"
  case pmuRdpmc = "pmu.rdpmc"

  /// - Returns: `nil` iff the value is not one of `enum nl_source`.
  init?(recordValue: UInt32) {
    switch recordValue {
    case NL_SRC_COUNT.rawValue: self = .count
    case NL_SRC_CLOCK.rawValue: self = .clock
    case NL_SRC_TSC.rawValue: self = .tsc
    case NL_SRC_SW_PERF.rawValue: self = .softwarePerf
    case NL_SRC_STEP.rawValue: self = .step
    case NL_SRC_PMU_READ.rawValue: self = .pmuRead
    case NL_SRC_PMU_RDPMC.rawValue: self = .pmuRdpmc
    default: return nil
    }
  }
}

/// The subjects known by name.
public enum Subjects {
  public static let names = designs + ["null", "glibc", "jemalloc", "mimalloc", "tcmalloc"]
  /// The allocator's own.
  public static let designs = [
    "sheaves", "heap", "cpuslab", "tiny", "gfpflag", "floor", "sheaves+debug", "sheaves-rt",
    "cpuslab-rt", "tiny-rt",
  ]
  /// Suffixes of a design whose code is another: it is built when it is asked for.
  public static let builtSuffixes = ["+lockdep", "+probes"]
  /// Everything that may stand where a subject is expected, for messages.
  public static let allowed =
    names.joined(separator: ", ") + ", DESIGN+lockdep, DESIGN+probes, rev:PATH, peer:PATH"
  /// Subjects that are a shared object: `rev:/path/lib.so`, `peer:/path/lib.so`.
  public static let prefixes = ["rev:", "peer:"]

  /// Whether `name` may stand where a subject is expected.
  public static func isValid(_ name: String) -> Bool {
    names.contains(name) || isBuilt(name)
      || prefixes.contains { name.hasPrefix($0) && name.utf8.count > $0.utf8.count }
  }

  /// Whether `name` is a design that is built when it is asked for: `sheaves+lockdep`, also with
  /// both suffixes.
  public static func isBuilt(_ name: String) -> Bool {
    guard let suffix = builtSuffixes.first(where: name.hasSuffix) else { return false }
    let rest = String(name.dropLast(suffix.count))
    return !rest.hasSuffix(suffix) && (designs.contains(rest) || isBuilt(rest))
  }

  /// The shared object of a built subject, once it is there (`InstrumentedSubjects`).
  public static func object(of name: String) -> String? { objects.withLock { $0[name] } }
  public static func setObject(_ path: String, of name: String) {
    objects.withLock { $0[name] = path }
  }
  private static let objects = Mutex<[String: String]>([:])
}
