import CNolock
import CPlatform
import Glibc
import Subjects

/// Another thread's part in a state; it has done it when the call returns.
@safe struct BenchThread {
  @safe private struct Part {
    let ops: nolock_ops
    let size: Int
    var frees: Bool
    var flushes = false
    let objects: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>
    var done = sem_t()
  }
  private let subject: Subject
  private let size: Int

  init(_ subject: Subject, _ size: Int) {
    self.subject = subject
    self.size = size
  }

  func free(_ objects: [UnsafeMutableRawPointer?]) {
    _ = unsafe run(Part(ops: subject.ops.pointee, size: size, frees: true, objects: copy(objects)))
  }

  /// So many objects.  The thread lives on, so its vCPU keeps its slab.
  func allocate(_ count: Int) -> [UnsafeMutableRawPointer?] {
    let objects = unsafe copy([UnsafeMutableRawPointer?](repeating: nil, count: count))
    return unsafe run(
      Part(ops: subject.ops.pointee, size: size, frees: false, objects: objects))
  }

  /// Asks every other thread for what its vCPU caches.
  func flush() {
    _ = unsafe run(
      Part(ops: subject.ops.pointee, size: size, frees: true, flushes: true, objects: copy([])))
  }

  private func copy(
    _ objects: [UnsafeMutableRawPointer?]
  ) -> UnsafeMutableBufferPointer<UnsafeMutableRawPointer?> {
    let buffer = unsafe UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>.allocate(
      capacity: objects.count)
    _ = unsafe buffer.initialize(from: objects)
    return unsafe buffer
  }

  /// What it takes is never given back: the process ends soon, and the thread may live as long.
  private func run(_ part: Part) -> [UnsafeMutableRawPointer?] {
    let memory = UnsafeMutablePointer<Part>.allocate(capacity: 1)
    unsafe memory.initialize(to: part)
    unsafe sem_init(&memory.pointee.done, 0, 0)
    var thread = pthread_t()
    let error = unsafe pthread_create(
      &thread, nil,
      { argument in
        let part = unsafe argument.unsafelyUnwrapped.assumingMemoryBound(to: Part.self)
        unsafe BenchThread.work(part)
        return nil
      }, memory)
    guard error == 0 else { return unsafe [] }
    if part.frees {
      pthread_join(thread, nil)
    } else {
      while unsafe sem_wait(&memory.pointee.done) != 0 {}
    }
    return unsafe Array(part.objects)
  }

  private static func work(_ part: UnsafeMutablePointer<Part>) {
    let ops = unsafe part.pointee.ops
    if unsafe part.pointee.flushes {
      _ = unsafe ops.control?("flush_here", 1)
      return
    }
    for index in unsafe part.pointee.objects.indices {
      if unsafe part.pointee.frees {
        unsafe ops.kfree(part.pointee.objects[index])
      } else {
        unsafe part.pointee.objects[index] = unsafe ops.kmalloc(part.pointee.size, 0, -1)
      }
    }
    if unsafe part.pointee.frees { return }
    unsafe sem_post(&part.pointee.done)
    while true { pause() }
  }
}

extension Bench {
  @safe private struct Handler {
    var allocate: (@convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer?)?
    let size: Int
    /// The boundary at which it allocates.
    let place: Int
    var object: UnsafeMutableRawPointer?
  }

  /// Interrupts nolock calls while they make a slab, until one finds afterwards that the handler
  /// has made one active.
  mutating func deferSlab() {
    let before = statistics.value("deactivate_deferred")
    for place in stride(from: 16, to: 4_000, by: 16) {
      // The next call finds a line without a slab.
      unsafe subject.ops.pointee.thread_detach?()
      var handler = unsafe Handler(
        allocate: subject.ops.pointee.kmalloc_nolock, size: size, place: place)
      var call = unsafe Operation.kmallocNolock.call(subject, size: size, object: nil)
      unsafe withUnsafeMutablePointer(to: &handler) { pointer in
        _ = unsafe nl_call_step(
          &call,
          { context, boundary, _ in
            let handler = unsafe context.unsafelyUnwrapped.assumingMemoryBound(to: Handler.self)
            guard unsafe boundary == handler.pointee.place else { return 0 }
            unsafe handler.pointee.object = handler.pointee.allocate?(handler.pointee.size, 0, -1)
            return 1
          }, pointer)
      }
      unsafe objects += [call.object, handler.object].filter { unsafe $0 != nil }
      if statistics.value("deactivate_deferred") != before { return }
    }
  }
}
