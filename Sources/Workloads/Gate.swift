import CPlatform

/// Where threads wait for the main thread's next command, start together, and report back.
@safe struct Gate {
  /// Counts commands.  Release by `open`, acquire by `wait`.
  private var generation: UInt32 = 0
  /// Threads that reached the start line of this command.
  private var ready: UInt32 = 0
  /// Threads that are done with it.
  private var done: UInt32 = 0

  /// Main thread: gives a command, waits until all `threads` are done with it.
  mutating func open(threads: UInt32) {
    unsafe nl_thread_store_release_32(&ready, 0)
    unsafe nl_thread_store_release_32(&done, 0)
    _ = unsafe nl_thread_add_32(&generation, 1)
    unsafe nl_thread_wake_all(&generation)
    while true {
      let seen = unsafe nl_thread_load_acquire_32(&done)
      if seen == threads { return }
      unsafe nl_thread_wait(&done, seen)
    }
  }

  /// Thread: waits for the command after `seen`; returns its number.
  mutating func wait(after seen: UInt32) -> UInt32 {
    while unsafe nl_thread_load_acquire_32(&generation) == seen {
      unsafe nl_thread_wait(&generation, seen)
    }
    return seen &+ 1
  }

  /// Thread: returns when all threads are awake and running, within some 100 ns of each other.
  mutating func startLine(threads: UInt32) {
    _ = unsafe nl_thread_add_32(&ready, 1)
    var spins = 0
    while unsafe nl_thread_load_acquire_32(&ready) != threads {
      nl_clock_relax()
      spins &+= 1
      if spins % 1024 == 0 { nl_thread_yield() }
    }
  }

  /// Thread: done with the command; the last one wakes the main thread.
  mutating func finished(threads: UInt32) {
    if unsafe nl_thread_add_32(&done, 1) == threads { unsafe nl_thread_wake_all(&done) }
  }
}
