import CPlatform

// A line's life in the sheaf design.

extension SheafDesign {
  @inline(__always)
  static func open(_ line: Line, of cache: Cache) {
    line.set(main: .bootstrap, count: 0)
    line.spare = nil
    line.restoreBounds()
  }

  static func empty(_ caller: VCPU, _ line: Line, of cache: Cache) {
    let instance = C.instance
    let main = line.main
    if main != .bootstrap {
      main.size = line.count
      instance.flush(caller, main)
      instance.freeSheaf(caller, main)
      line.set(main: .bootstrap, count: 0)
    }
    guard let spare = line.spare else { return }
    instance.flush(caller, spare)
    instance.freeSheaf(caller, spare)
    line.spare = nil
  }

  @inline(__always)
  static func wake(_ line: Line) {
    // RT: other tasks hold the line, and the bounds are theirs.  Slow ordinary calls look anyway.
    if C.Preempt.isRT { return }
    line.isPending = true
    line.poisonBounds()
  }

  static func flushRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int {
    if C.Preempt.isRT { return C.emptyLines(caller, vcpu) }
    // Without a guard the owner would not see the request.
    return C.isGuarded ? C.instance.flushSheavesRemotely(caller, vcpu) : Int(NL_CACHES)
  }
}
