import CNolock
import CPlatform
import Subjects

/// One process's allocator while a state is set up: single-threaded, the helper thread stopped, so
/// that the same calls lead to the same state every time.
@safe struct Bench {
  let subject: Subject
  let size: Int
  let statistics: CounterTable
  /// Objects for the attempts to free.
  var objects: [UnsafeMutableRawPointer?] = unsafe []
  /// An object of the same size for the handler to free.
  var held: UnsafeMutableRawPointer?

  init(_ subject: Subject, size: Int) {
    self.subject = subject
    self.size = size
    statistics = CounterTable(subject)
    _ = unsafe subject.ops.pointee.thread_attach?()
    // In the PREEMPT_RT form a call that declares nothing is in an NMI and gets nothing.
    if State.needsContext(subject) {
      _ = unsafe subject.ops.pointee.context?(NOLOCK_CONTEXT_TASK.rawValue)
    }
    unsafe held = subject.ops.pointee.kmalloc_nolock?(size, 0, -1)
  }

  mutating func prepare(_ state: State) {
    switch state.start {
    case .fresh: break
    case .warm:
      grow(8, .kmalloc)
      release(4, .kfree)
    case .grown(let count): grow(count, .kmalloc)
    case .grownNolock(let count): grow(count, .kmallocNolock)
    case .shrunk(let count):
      grow(count, .kmalloc)
      release(state.operation.allocates ? count : count - count / 4, .kfree)
      // For a free the spare must be empty: what is there is taken out again.
      if !state.operation.allocates { grow(count, .kmalloc) }
    case .regrown(let count):
      grow(count, .kmalloc)
      release(count, .kfree)
      grow(count, .kmalloc)
    case .deferring(let count):
      grow(2_000, .kmalloc)
      let before = statistics.value("free_deferred")
      while statistics.value("free_deferred") &- before < UInt64(count), unsafe objects.count > 1 {
        release(1, .kfreeNolock)
      }
    case .scattered(let count):
      grow(count, .kmalloc)
      let grown = unsafe objects
      unsafe objects.removeAll()
      // Two in a slab are nearer than this.
      let stride = 64
      for first in 0..<stride {
        for index in Swift.stride(from: first, to: count, by: stride) {
          unsafe objects.append(grown[index])
        }
      }
    case .freedElsewhere(let count, let last):
      grow(count, .kmalloc)
      unsafe BenchThread(subject, size).free(Array(objects.suffix(last)))
      unsafe objects.removeLast(last)
    case .elsewhere(let count):
      unsafe objects += BenchThread(subject, size).allocate(count)
    case .flushAsked:
      grow(8, .kmalloc)
      BenchThread(subject, size).flush()
    case .deferringSlab(let count):
      grow(count, .kmalloc)
      deferSlab()
    case .before(let counter, let shrunk):
      grow(shrunk, .kmalloc)
      release(shrunk, .kfree)
      for _ in 0..<State.many {
        // Tried out in a copy of this process.
        let child = nl_boundary_fork(10)
        if child == 0 {
          let old = statistics.value(counter)
          grow(1, .kmalloc)
          nl_boundary_exit(statistics.value(counter) == old ? 0 : 1)
        }
        if nl_boundary_wait(child) == 1 &<< 8 { break }
        grow(1, .kmalloc)
      }
    case .large(let count):
      for _ in 0..<count {
        unsafe objects.append(subject.ops.pointee.kmalloc(State.largeSize, 0, -1))
      }
    case .exhausted(let nextBucket):
      grow(1, .kmalloc)
      if nextBucket {
        let next = unsafe subject.ops.pointee.ksize?(objects[0]) ?? size
        let larger = unsafe (0..<8).map { _ in
          unsafe subject.ops.pointee.kmalloc(next + 1, 0, -1)
        }
        // Some stay, so that no design gives the slab back.
        for index in 0..<4 { unsafe subject.ops.pointee.kfree(larger[index]) }
        unsafe objects += larger.suffix(4)
      }
      _ = unsafe subject.ops.pointee.control?("limit", 1)
    }
  }

  /// The call of the next attempt; nil when there is nothing left to free.
  mutating func next(_ state: State) -> nl_call? {
    var object: UnsafeMutableRawPointer?
    if state.operation.frees {
      guard let last = unsafe objects.popLast() else { return nil }
      unsafe object = last
    }
    if state.detached { unsafe subject.ops.pointee.thread_detach?() }
    return unsafe state.operation.call(subject, size: state.size ?? size, object: object)
  }

  /// Keeps what an attempt allocated.
  mutating func done(_ state: State, _ call: nl_call) {
    if state.operation.allocates, let object = unsafe call.object { unsafe objects.append(object) }
  }

  private mutating func grow(_ count: Int, _ operation: Operation) {
    for _ in 0..<count {
      var call = unsafe operation.call(subject, size: size, object: nil)
      unsafe nl_call_run(&call)
      unsafe objects.append(call.object)
    }
  }

  private mutating func release(_ count: Int, _ operation: Operation) {
    for _ in 0..<(unsafe min(count, objects.count)) {
      var call = unsafe operation.call(subject, size: size, object: objects.removeLast())
      unsafe nl_call_run(&call)
    }
  }
}
