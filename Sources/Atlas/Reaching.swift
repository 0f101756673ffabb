import CPlatform
import Subjects

/// How a state was found in one process, so that the next process can make it again.
struct Found {
  /// Attempts before the one that finds the state; `inside`: the boundary of the outer call.
  var attempt = -1
}

/// Makes a state in this process and calls the operation in it.
struct Reaching {
  static let attempts = 100_000
  let state: State
  var bench: Bench
  private let shows: CounterSet
  private let forbidden: CounterSet

  init(_ state: State, _ subject: Subject, size: Int) {
    self.state = state
    bench = Bench(subject, size: size)
    shows = bench.statistics.mask(state.shows)
    let allowed = bench.statistics.mask(state.shows + state.allows)
    forbidden = bench.statistics.mask(state.paths).subtracting(allowed)
  }

  /// Whether the call since `remember()` was made in the state.
  func matches() -> Bool {
    let changed = bench.statistics.changed()
    return shows != CounterSet() && changed.isSuperset(of: shows)
      && changed.intersection(forbidden) == CounterSet()
  }

  /// Tries until a call shows the state; -1 if none does.
  mutating func search() -> Int {
    bench.prepare(state)
    if state.inside { return searchInside() }
    for attempt in 0..<Self.attempts {
      guard var call = unsafe bench.next(state) else { return -1 }
      bench.statistics.remember()
      unsafe nl_call_run(&call)
      if matches() { return attempt }
      unsafe bench.done(state, call)
    }
    return -1
  }

  /// Calls the operation in the state, in the way `perform` does it; whether it was the state.
  mutating func reach(
    _ attempt: Int,
    _ perform: @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<nl_call>) -> Void,
    _ context: UnsafeMutableRawPointer
  ) -> Bool {
    bench.prepare(state)
    if state.inside { return unsafe reachInside(attempt, perform, context) }
    for _ in 0..<attempt {
      guard var call = unsafe bench.next(state) else { return false }
      unsafe nl_call_run(&call)
      unsafe bench.done(state, call)
    }
    guard var call = unsafe bench.next(state) else { return false }
    bench.statistics.remember()
    unsafe perform(context, &call)
    return matches()
  }

  // MARK: Inside an ordinary allocation.

  /// What the outer call's visitor needs; plain memory.
  @safe private struct Inside {
    var statistics: CounterTable
    var shows: CounterSet
    var forbidden: CounterSet
    var call: nl_call
    var found = -1
    var wanted = -1
    var matched = false
    var perform: (@convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<nl_call>) -> Void)?
    var context: UnsafeMutableRawPointer?

    func matches() -> Bool {
      let changed = statistics.changed()
      return changed.isSuperset(of: shows) && changed.intersection(forbidden) == CounterSet()
    }
  }

  private mutating func makeInside() -> Inside? {
    guard let call = unsafe bench.next(state) else { return nil }
    return unsafe Inside(
      statistics: bench.statistics, shows: shows, forbidden: forbidden, call: call)
  }

  private mutating func searchInside() -> Int {
    guard var inside = makeInside() else { return -1 }
    var outer = unsafe Operation.kmalloc.call(bench.subject, size: bench.size, object: nil)
    unsafe withUnsafeMutablePointer(to: &inside) { pointer in
      _ = unsafe nl_call_step(
        &outer,
        { context, boundary, _ in
          let inside = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: Inside.self)
          let child = nl_boundary_fork(10)
          if child == 0 {
            unsafe inside.pointee.statistics.remember()
            unsafe nl_call_run(&inside.pointee.call)
            nl_boundary_exit(unsafe inside.pointee.matches() ? 1 : 0)
          }
          if nl_boundary_wait(child) == 1 &<< 8 {
            unsafe inside.pointee.found = boundary
            return 1
          }
          return 0
        }, pointer)
    }
    return inside.found
  }

  private mutating func reachInside(
    _ boundary: Int,
    _ perform:
      @escaping @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<nl_call>) -> Void,
    _ context: UnsafeMutableRawPointer
  ) -> Bool {
    guard var inside = makeInside() else { return false }
    inside.wanted = boundary
    unsafe inside.perform = perform
    unsafe inside.context = context
    var outer = unsafe Operation.kmalloc.call(bench.subject, size: bench.size, object: nil)
    unsafe withUnsafeMutablePointer(to: &inside) { pointer in
      _ = unsafe nl_call_step(
        &outer,
        { context, boundary, _ in
          let inside = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: Inside.self)
          guard unsafe boundary == inside.pointee.wanted else { return 0 }
          unsafe inside.pointee.statistics.remember()
          unsafe inside.pointee.perform.unsafelyUnwrapped(
            inside.pointee.context.unsafelyUnwrapped, &inside.pointee.call)
          unsafe inside.pointee.matched = inside.pointee.matches()
          return 1
        }, pointer)
    }
    if let object = unsafe outer.object { unsafe bench.objects.append(object) }
    return inside.matched
  }
}
