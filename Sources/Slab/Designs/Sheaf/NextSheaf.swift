import CPlatform

// Between the fast line and the general slow path: the spare, or another sheaf out of the barn.  A
// thread that allocates and frees in batches comes here once a sheaf, and nine tenths of what the
// general path looks at cannot matter while the line is its own, open and free.

extension SheafDesign {
  /// An object out of the next sheaf; nil, with the line as it was, where the general path must look.
  ///
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  @inline(never)
  static func allocateFromNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    guard mayReplace(vcpu, M.self), line.tryLock() else { return nil }
    probePoint(NL_PROBE_LINE_ALLOC)
    var object: UnsafeMutableRawPointer?
    if unsafe nl_line_empty(line.pointer) == UInt(bitPattern: line.main.objects) {
      let cache = cache(vcpu, line)
      // What the barn lacks, or its lock's being held, is met and counted by the general path alone.
      let mayHave =
        line.spare.map { $0.size > 0 } ?? false
        || (cache.barn.fullCount > 0 && (M.waits || !cache.barn.lock.isHeld))
      if line.count > 0 || (mayHave && replaceEmptyMain(vcpu, line, cache, M.self)) {
        unsafe object = line.pop()
      }
    }
    line.unlock()
    return unsafe object
  }

  /// True if the next sheaf took the object.
  ///
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  @inline(never)
  static func freeToNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    guard mayReplace(vcpu, M.self), line.tryLock() else { return false }
    probePoint(NL_PROBE_LINE_FREE)
    var isTaken = false
    let main = line.main
    // The bootstrap sheaf has no room: a thread's first sheaf is the general path's.
    if main != .bootstrap,
      unsafe nl_line_full(line.pointer) == UInt(bitPattern: main.objects + main.capacity)
    {
      isTaken = line.count < main.capacity || hasRoom(vcpu, line, M.self)
      if isTaken { unsafe line.push(object) }
    }
    line.unlock()
    return isTaken
  }

  /// Replaces a full main, lock held, if that needs neither a new sheaf nor a flush.
  @inline(__always)
  private static func hasRoom<M: CallMode>(_ vcpu: VCPU, _ line: Line, _ mode: M.Type) -> Bool {
    let cache = cache(vcpu, line)
    let barn = cache.barn
    if let spare = line.spare, spare.size == spare.capacity,
      barn.fullCount >= C.instance.barnLimit
    {
      return false
    }
    let mayHave =
      line.spare.map { $0.size < $0.capacity } ?? false
      || (barn.emptyCount > 0 && (M.waits || !barn.lock.isHeld))
    if mayHave, case .replaced = replaceFullMain(vcpu, line, cache, M.self) { return true }
    return false
  }

  /// False where an ordinary call has to do first what only the general path does: arm the exit hook,
  /// notice a fork, release what a jump left locked.  RT lines belong to other tasks, too.
  @inline(__always)
  private static func mayReplace<M: CallMode>(_ vcpu: VCPU, _ mode: M.Type) -> Bool {
    if C.Preempt.isRT { return false }
    guard M.waits else { return true }
    let marker = unsafe C.instance.pointer.pointee.fork_marker
    return unsafe nl_vcpu_hooked(vcpu.pointer) != 0 && !vcpu.holdsCentral && marker != nil
      && nl_load_u32(marker.unsafelyUnwrapped) != 0
  }

  @inline(__always)
  private static func cache(_ vcpu: VCPU, _ line: Line) -> Cache {
    let first = vcpu.line(ofCache: 0)
    return unsafe C.instance.cache(line.pointer - first.pointer, node: vcpu.node)
  }
}
