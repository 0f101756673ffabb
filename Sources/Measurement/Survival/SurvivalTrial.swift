import CRecords
import Foundation
import Traces

/// How a trial ended.
public enum SurvivalOutcome: String, Codable, CaseIterable, Sendable {
  case ok
  /// Neither signals nor operations went on: somebody waits for what will not come.
  case deadlock
  /// Handlers ran on and the interrupted operation never ended.
  case livelock
  /// SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP.
  case crash
  /// The allocator ended the process itself: SIGABRT.
  case abort
  /// The same memory was handed out twice.
  case corrupt
  /// The subject's books do not balance with the trial's.
  case lost
  /// It went on longer than any trial should.
  case timeout
  /// Not an outcome of the experiment: the process could not run it.
  case failed
  /// This machine does not have the subject.
  case unavailable
}

/// One trial as it is kept.
public struct SurvivalTrial: Codable, Sendable {
  public var subject: String
  public var setting: String
  /// From 0.
  public var trial: Int
  public var outcome: SurvivalOutcome
  /// Handlers run to their end, and the interrupted thread's operations.
  public var signals: UInt64
  public var operations: UInt64
  /// Allocations in handlers that returned NULL.
  public var nulls: UInt64
  /// Median allocator time of a handler, the clock's own taken off, and its allocator calls;
  /// `nil` unless the outcome is ok.
  @Explicit public var handlerNanoseconds: UInt64?
  public var handlerCalls: UInt64
  /// One malloc(64) and free before the signals, in picoseconds, the loop included.
  public var pairPicoseconds: UInt64
  /// How many trials the run had going at a time: above 1, they disturb each other's times.
  public var sideBySide: Int
  /// The process, from its start to its end.
  public var seconds: Double
  /// What the process or its end said.
  @Explicit public var detail: String?

  enum CodingKeys: String, CodingKey {
    case subject, setting, trial, outcome, signals, operations, nulls, seconds, detail
    case handlerNanoseconds = "handler_ns"
    case handlerCalls = "handler_calls"
    case pairPicoseconds = "pair_ps"
    case sideBySide = "side_by_side"
  }
}

extension SampleTool {
  /// Runs one trial in a process of its own and watches it; whatever that does, it ends here.
  ///
  /// - Parameter sideBySide: how many of these run at a time.
  /// - Throws: `interrupted`; `notPermitted` where no file or process can be made.
  public func survive(
    _ task: SurvivalPlan.Task, of plan: SurvivalPlan, sideBySide: Int, signals: Signals?
  ) throws(Failure) -> SurvivalTrial {
    let (subject, setting) = (task.subject, task.setting)
    let count = plan.signals(setting)
    let page = try SharedPage()
    defer { page.remove() }
    let (name, object) = Cell(subject: subject, workload: .pair, mix: "").nameAndObject
    let words = [
      "--survive", name, object, setting.source, setting.work, setting.handler, "\(count)",
      "\(derivedSeed(plan.seed, subject, setting.name, "\(task.trial)"))", page.path,
    ]
    let watch = SurvivalWatch(page, isStep: setting.isStep)
    // A rate may be missed by far on a busy machine.
    let limit = 60 + 20 * Double(count) / (setting.source == "t1k" ? 1_000 : 10_000)
    let started = monotonicSeconds()
    let ended = try child(words).run(
      input: [], seconds: limit, signals: signals, isStuck: watch.isStuck)
    if ended.end == .interrupted { throw Failure(.interrupted, "interrupted") }
    let progress = page.read()
    var result = SurvivalTrial(
      subject: subject, setting: setting.name, trial: task.trial, outcome: .failed,
      signals: progress.signals, operations: progress.operations, nulls: progress.nulls,
      handlerNanoseconds: nil, handlerCalls: progress.handler_calls,
      pairPicoseconds: progress.pair_ps, sideBySide: sideBySide,
      seconds: monotonicSeconds() - started, detail: nil)
    let said = (ended.output + ended.errors).isEmpty ? nil : Self.firstLine(ended)
    result.detail = said
    switch ended.end {
    case .interrupted: break
    case .stuck: result.outcome = watch.outcome
    case .timedOut: result.outcome = .timeout
    case .signalled(SIGABRT): result.outcome = .abort
    case .signalled(let number):
      let crashes = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP]
      result.outcome = crashes.contains(number) ? .crash : .failed
      result.detail = signalName(number)
    case .exited(0) where progress.verdict == UInt64(NL_SURVIVAL_OK.rawValue):
      result.outcome = .ok
      result.handlerNanoseconds =
        progress.handler_ns > progress.tick_ns ? progress.handler_ns - progress.tick_ns : 0
    case .exited(Int32(NL_SURVIVAL_EXIT_CORRUPT)): result.outcome = .corrupt
    case .exited(Int32(NL_SURVIVAL_EXIT_LOST)): result.outcome = .lost
    case .exited(Int32(NL_SURVIVAL_EXIT_UNAVAILABLE)): result.outcome = .unavailable
    case .exited(let code):
      // The allocator's own exit, or that of the loader.
      result.detail = "exit code \(code)" + (said.map { ": \($0)" } ?? "")
    }
    return result
  }

  private static func firstLine(_ ended: ChildResult) -> String? {
    let text = String(decoding: ended.output + ended.errors, as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).first.map { String($0.prefix(200)) }
  }
}
