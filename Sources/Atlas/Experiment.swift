import CPlatform
import Subjects

/// What a test does with a state: one function around the call that finds it, and one after
/// everything that had to end for it has ended.  Plain functions, because they run in processes that
/// were forked in a signal handler.
@safe public struct Experiment {
  public typealias Perform =
    @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<nl_call>) -> Void
  public typealias Finish =
    @convention(c) (UnsafeMutableRawPointer, UnsafePointer<nl_leftover>) -> Void

  let perform: Perform
  let finish: Finish
  let context: UnsafeMutableRawPointer

  /// `context` is memory that the processes share.
  public init(
    perform: @escaping Perform, finish: @escaping Finish, context: UnsafeMutableRawPointer
  ) {
    unsafe self.perform = unsafe perform
    unsafe self.finish = unsafe finish
    unsafe self.context = context
  }
}

extension AtlasRun {
  /// Finds the state in one process, and in another runs the experiment on the call that is made in
  /// it.  `finish` runs in that process and in every child that `perform` forked and let go on.
  ///
  /// - Throws: why the state was not reached.
  public func run(_ experiment: Experiment) throws(AtlasError) {
    try search()
    unsafe shared.pointee.reached = false
    try inProcess { reaching in
      let attempt = unsafe shared.pointee.attempt
      let reached = unsafe reaching.reach(attempt, experiment.perform, experiment.context)
      let objects = unsafe reaching.bench.objects + [reaching.bench.held]
      unsafe objects.withUnsafeBufferPointer { buffer in
        var leftover = unsafe nl_leftover(
          objects: buffer.baseAddress, count: buffer.count, reached: reached ? 1 : 0)
        unsafe experiment.finish(experiment.context, &leftover)
      }
      unsafe shared.pointee.reached = reached
    }
    guard unsafe shared.pointee.reached else {
      throw AtlasError("\(label): the state could not be made a second time")
    }
  }
}
