import Events
import Foundation

/// Something that may be asked for, and whether this machine has it.
public struct Availability: Codable, Equatable, Sendable {
  public var name: String
  public var available: Bool
  /// What it is or, where it is not available, why.
  public var note: String

  init(_ name: String, _ available: Bool, _ note: String) {
    self.name = name
    self.available = available
    self.note = note
  }

  /// The subjects as `nolock-sample` finds them.
  ///
  /// - Throws: `notFound` or `sampleFailed` where that program cannot be asked.
  public static func subjects() throws(Failure) -> [Availability] {
    try SampleTool.find().subjects().map { Availability($0.name, $0.available, $0.note) }
  }

  public static func workloads() -> [Availability] {
    Workload.allCases.map { Availability($0.rawValue, true, $0.summary) }
  }

  public static func mixes() -> [Availability] {
    var slabinfo = Availability("slabinfo", true, "this kernel's kmalloc caches by active objects")
    do throws(Failure) {
      _ = try SlabInfo.weights()
    } catch {
      slabinfo = Availability("slabinfo", false, error.message)
    }
    return [
      Availability("fixed:N", true, "one size of 1…\(Mix.largest) bytes"),
      Availability("uniform:A-B", true, "every size from A to B equally likely"),
      Availability("pow2", true, "8, 16, … 8192, the same share of the bytes each"),
      Availability("bpf", true, "element sizes of BPF programs, 16…512 bytes"), slabinfo,
      Availability("trace:FILE", true, "the sizes of a recorded trace"),
    ]
  }

  /// The suites found, with their titles; a suite with a mistake is not available.
  public static func suites() -> [Availability] {
    SuiteFinder.all().map { name, path in
      do throws(Failure) {
        return Availability(name, true, try Suite(path: path).title)
      } catch {
        return Availability(name, false, error.message)
      }
    } + [Availability("survival", true, "who survives malloc and free in a signal handler")]
  }

  public static func interrupts() -> [Availability] {
    InterruptSource.allCases.map { source in
      let missing: String? =
        switch source {
        case .none, .tgkill, .probe: nil
        case .breakpoint: EventTrial.breakpointProblem()
        case .step: EventTrial.stepProblem()
        case .timer: timerProblem()
        case .perf: perfProblem()
        }
      var note = missing ?? source.summary
      if source == .perf && missing == nil {
        let noCycles = (try? EventNames.encode("cycles")).flatMap { EventTrial.problem($0) }
        note += noCycles.map { "; here cpu-clock: \($0)" } ?? "; here cycles"
      }
      return Availability(source.rawValue, missing == nil, note)
    }
  }

  private static func perfProblem() -> String? {
    (try? EventNames.encode("cpu-clock:u")).flatMap { EventTrial.problem($0) }
  }

  private static func timerProblem() -> String? {
    var timer: timer_t?
    guard unsafe timer_create(CLOCK_MONOTONIC, nil, &timer) == 0 else {
      return "timer_create: \(errorText(errno))"
    }
    // The first timer of a process has the id 0, which Swift sees as nil; it ends with the process.
    if let made = unsafe timer { unsafe timer_delete(made) }
    return nil
  }
}
