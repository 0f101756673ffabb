import CPlatform

// The biased lock's other side: taking the sheaves of a thread that does not use them.
//
// The owner's fast path has no fence.  The flusher raises `request`, fences everybody, closes the
// fast path by poisoned bounds, and fences again.  Whatever the owner does from then on, it sees
// the poison after its own lock store and goes to the slow path, where it sees the request and
// backs off.  So a lock byte that is 0 now stays the flusher's until it drops the request.

extension Instance {
  /// Returns the objects of a silent thread's sheaves to their slabs; the sheaves stay.
  ///
  /// Never waits for the owner: a line that is held after 50 looks is left for the next time.
  /// - Context: task; one flusher at a time, the worker.  The caller holds the block's `flush_lock`.
  /// - Returns: the lines that were found held.
  func flushSheavesRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int {
    guard unsafe pointer.pointee.membarrier != 0 else { return Int(NL_CACHES) }
    #if NOLOCK_BROKEN_ONE_MEMBARRIER
      forEachLine(vcpu) {
        unsafe nl_line_set_request($0.pointer, 1)
        $0.poisonBounds()
      }
    #else
      forEachLine(vcpu) { unsafe nl_line_set_request($0.pointer, 1) }
      _ = nl_membarrier()
      forEachLine(vcpu) { $0.poisonBounds() }
    #endif
    FlusherPhase.enter(FlusherPhase.poisoned)
    _ = nl_membarrier()
    var held = 0
    forEachLine(vcpu) { line in
      if isFree(line) {
        let taken = unsafe take(line, into: nl_instance_at_flush_buffer(pointer))
        // Release: the owner that reads 0 sees the emptied line.
        unsafe nl_line_release_request(line.pointer)
        unsafe freeToSlabs(caller, nl_instance_at_flush_buffer(pointer), count: taken)
        count(caller, .remoteFlush)
      } else {
        unsafe nl_line_release_request(line.pointer)
        count(caller, .remoteNotTaken)
        held &+= 1
      }
    }
    FlusherPhase.enter(FlusherPhase.idle)
    return held
  }

  @inline(__always)
  private func forEachLine(_ vcpu: VCPU, _ body: (Line) -> Void) {
    var i = 0
    while i < Int(NL_CACHES) {
      body(vcpu.line(ofCache: i))
      i &+= 1
    }
  }

  @inline(__always)
  private func isFree(_ line: Line) -> Bool {
    var looks = 0
    while looks < 50 {
      // Acquire: pairs with the owner's release at its unlock.
      if unsafe nl_line_lock_acquire(line.pointer) == 0 { return true }
      nl_pause()
      looks &+= 1
    }
    return false
  }

  @inline(__always)
  private func take(_ line: Line, into buffer: Slot) -> Int {
    let n = line.count
    var i = 0
    while i < n {
      unsafe buffer[i] = line.main.objects[i]
      i &+= 1
    }
    if n > 0 { FlusherPhase.enter(FlusherPhase.taking, pausing: 400) }
    line.set(main: line.main, count: 0)
    guard let spare = line.spare else { return n }
    let m = spare.size
    i = 0
    while i < m {
      unsafe buffer[n &+ i] = spare.objects[i]
      i &+= 1
    }
    spare.size = 0
    return n &+ m
  }
}
