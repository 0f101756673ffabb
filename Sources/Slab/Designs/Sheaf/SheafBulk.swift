import CPlatform

// Bulk calls of the sheaf design: whole stretches copied out of and into main, and whole sheaves
// exchanged with spare and barn (kernel-reference §3.9).

extension SheafDesign {
  static func take(_ vcpu: VCPU, _ cache: Cache, into slots: Slot, count: Int) -> Int {
    let instance = C.instance
    var taken = 0
    if let line = enter(vcpu, cache) {
      let drains = line.takePending(vcpu)
      while true {
        let left = count &- taken
        let n = line.count < left ? line.count : left
        unsafe nl_count_by(&line.pointer.pointee.alloc_fast, UInt64(n))
        nl_signal_fence()
        unsafe line.top -= n
        unsafe copy(line.top, to: slots + taken, count: n)
        taken &+= n
        if taken == count || !replaceEmptyMain(vcpu, line, cache, Ordinary.self) { break }
      }
      line.restoreBounds()
      line.unlock()
      if drains { C.drainOwn(vcpu) }
    }
    // Without a full sheaf it goes on with slabs: filling sheaves first would be work twice.
    while taken < count {
      let n = unsafe instance.takeFromSlabs(
        vcpu, cache, into: slots + taken, atMost: count &- taken)
      if n == 0 { break }
      instance.count(vcpu, .allocSlow, by: n)
      taken &+= n
    }
    return taken
  }

  static func put(_ vcpu: VCPU, _ cache: Cache, _ slots: Slot, count: Int) {
    let instance = C.instance
    var left = count
    if left > 0, let line = enter(vcpu, cache) {
      let drains = line.takePending(vcpu)
      while true {
        let room = line.main.capacity &- line.count
        let n = room < left ? room : left
        left &-= n
        unsafe copy(slots + left, to: line.top, count: n)
        unsafe line.top += n
        if left == 0 { break }
        guard case .replaced = replaceFullMain(vcpu, line, cache, Ordinary.self) else { break }
      }
      line.restoreBounds()
      line.unlock()
      if drains { C.drainOwn(vcpu) }
    }
    if left == 0 { return }
    instance.count(vcpu, .freeSlow, by: left)
    unsafe instance.freeToSlabs(vcpu, slots, count: left)
  }

  /// The vCPU's line, locked; nil if it is held or asked for.
  @inline(__always)
  static func enter(_ vcpu: VCPU, _ cache: Cache) -> Line? {
    if vcpu.isShared { return nil }
    let line = vcpu.line(ofCache: cache.index)
    if line.relock() { return line }
    C.instance.count(vcpu, .lineBusy)
    return nil
  }

  @inline(__always)
  private static func copy(_ from: Slot, to: Slot, count: Int) {
    var i = 0
    while i < count {
      unsafe to[i] = from[i]
      i &+= 1
    }
  }
}
