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
        unsafe line.top -= n
        unsafe copy(line.top, to: slots + taken, count: n)
        unsafe nl_count_by(&line.pointer.pointee.alloc_fast, UInt64(n))
        taken &+= n
        if taken == count || !replaceEmptyMain(vcpu, line, cache) { break }
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
        unsafe nl_count_by(&line.pointer.pointee.free_fast, UInt64(n))
        if left == 0 || !replaceFullMain(vcpu, line, cache) { break }
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

  /// A main with objects for one that is empty, lock held.
  @inline(__always)
  private static func replaceEmptyMain(_ vcpu: VCPU, _ line: Line, _ cache: Cache) -> Bool {
    if let spare = line.spare, spare.size > 0 {
      let main = line.main
      main.size = 0
      line.spare = main == .bootstrap ? nil : main
      line.install(main: spare)
      C.instance.count(vcpu, .spareSwap)
      return true
    }
    guard let full = C.instance.exchangeEmptyForFull(vcpu, cache, line.main, Ordinary.self) else {
      return false
    }
    line.install(main: full)
    return true
  }

  /// A main with room for one that is full, lock held; makes no sheaf but a thread's first.
  @inline(__always)
  private static func replaceFullMain(_ vcpu: VCPU, _ line: Line, _ cache: Cache) -> Bool {
    let instance = C.instance
    let main = line.main
    if main == .bootstrap {
      guard
        let empty = instance.takeEmpty(vcpu, cache, Ordinary.self)
          ?? instance.makeSheaf(vcpu, for: cache, Ordinary.self)
      else { return false }
      line.install(main: empty)
      return true
    }
    main.size = main.capacity
    if let spare = line.spare, spare.size < spare.capacity {
      line.spare = main
      line.install(main: spare)
      instance.count(vcpu, .spareSwap)
      return true
    }
    if line.spare == nil, let empty = instance.takeEmpty(vcpu, cache, Ordinary.self) {
      line.spare = main
      line.install(main: empty)
      return true
    }
    guard
      case .exchanged(let empty) = instance.exchangeFullForEmpty(
        vcpu, cache, main, Ordinary.self)
    else { return false }
    line.install(main: empty)
    return true
  }
}
