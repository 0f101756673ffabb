import Foundation
import Measurement

/// Runs what a survival result lacks, and stores it after every trial.
final class SurvivalTrials: @unchecked Sendable {
  /// Changed under `lock`, read when `run` is done.
  private(set) var result: SurvivalResult
  private let directory: String
  private let tool: SampleTool
  private let signals: Signals
  private let lock = NSLock()
  private let terminal = Terminal(of: "trials")

  init(_ result: SurvivalResult, directory: String, tool: SampleTool, signals: Signals) {
    self.result = result
    self.directory = directory
    self.tool = tool
    self.signals = signals
  }

  /// Afterwards `result` is complete, or says that it was interrupted; so does its file.
  ///
  /// - Throws: `notPermitted` where the file cannot be written or no process made; trials that
  ///   ended before are kept.
  func run(jobs: Int) throws(Failure) {
    let (plan, tasks) = (result.plan, result.remaining)
    try store()
    let board = WorkBoard<Void>(count: tasks.count)
    let width = max(1, min(jobs, tasks.count))
    DispatchQueue.concurrentPerform(iterations: width) { _ in
      while !signals.arrived, let index = board.next() {
        do throws(Failure) {
          let task = tasks[index]
          let trial = try tool.survive(task, of: plan, sideBySide: width, signals: signals)
          try keep(trial, "\(task.subject) \(task.setting.name)")
        } catch {
          if error.status != .interrupted { board.fail(error) }
        }
      }
    }
    terminal.clear()
    _ = try board.results()
  }

  private func keep(_ trial: SurvivalTrial, _ what: String) throws(Failure) {
    lock.lock()
    defer { lock.unlock() }
    result.add(trial)
    try store()
    terminal.progress(done: result.trials.count, total: result.plan.tasks.count, cell: what)
  }

  private func store() throws(Failure) {
    try AtomicFile.write(json: result, to: directory + "/" + SurvivalResult.fileName)
  }
}
