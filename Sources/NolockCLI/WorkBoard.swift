import Foundation
import Measurement

/// What workers share: the next piece of work, the results in their order, the first failure.
final class WorkBoard<Result>: @unchecked Sendable {
  private let lock = NSLock()
  private var taken = 0
  private var done: [Result?]
  private var failure: Failure?

  init(count: Int) { done = Array(repeating: nil, count: count) }

  /// `nil` iff nothing is left or a piece failed.
  func next() -> Int? {
    lock.withLock {
      guard failure == nil, taken < done.count else { return nil }
      taken += 1
      return taken - 1
    }
  }
  func put(_ result: Result, _ index: Int) { lock.withLock { done[index] = result } }
  func fail(_ error: Failure) { lock.withLock { failure = failure ?? error } }
  /// - Throws: the first failure.
  func results() throws(Failure) -> [Result] {
    if let failure { throw failure }
    return done.compactMap { $0 }
  }
}
