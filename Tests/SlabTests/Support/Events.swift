import Foundation

/// Things that happened, for threads that wait for each other.
final class Events: @unchecked Sendable {
  private let condition = NSCondition()
  private var happened: Set<String> = []

  func signal(_ event: String) {
    condition.lock()
    happened.insert(event)
    condition.broadcast()
    condition.unlock()
  }
  func has(_ event: String) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    return happened.contains(event)
  }
  /// False if it did not happen within ten seconds.
  @discardableResult
  func wait(for event: String) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    let end = Date(timeIntervalSinceNow: 10)
    while !happened.contains(event) {
      if !condition.wait(until: end) { return false }
    }
    return true
  }
}

/// A thread that runs `body` at the same time as its maker.
final class Concurrent: @unchecked Sendable {
  private let events = Events()

  init(_ body: @escaping @Sendable () -> Void) {
    let events = events
    Thread.detachNewThread {
      body()
      events.signal("done")
    }
  }
  /// False if it is not done within ten seconds.
  func join() -> Bool { events.wait(for: "done") }
}
