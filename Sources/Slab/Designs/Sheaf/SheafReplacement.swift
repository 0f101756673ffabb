import CPlatform

// Another main for one that is empty or full, lock held: for single objects and in bulk.

extension SheafDesign {
  /// A main with objects, the spare or one of the barn's, for one that is empty, lock held; false
  /// if there is none.
  @inline(__always)
  static func replaceEmptyMain<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> Bool {
    let main = line.main
    if let spare = line.spare, spare.size > 0 {
      main.size = 0
      line.spare = main == .bootstrap ? nil : main
      line.install(main: spare)
      C.instance.count(vcpu, .spareSwap)
      return true
    }
    guard let full = C.instance.exchangeEmptyForFull(vcpu, cache, main, M.self) else {
      return false
    }
    line.install(main: full)
    return true
  }

  enum Replacement {
    case replaced
    /// The barn takes no more; the spare is full, too.
    case tooManyFull(Sheaf)
    case none
  }

  /// A main with room, the spare or one of the barn's, for one that is full, lock held; makes no
  /// sheaf but a thread's first.
  @inline(__always)
  static func replaceFullMain<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ cache: Cache, _ mode: M.Type
  ) -> Replacement {
    let instance = C.instance
    let main = line.main
    if main == .bootstrap {
      // The kernel makes a CPU's first main when it brings the CPU up; here the first free does,
      // in any context, or a thread that only uses the nolock calls would never have one.
      guard
        let empty = instance.takeEmpty(vcpu, cache, M.self)
          ?? instance.makeSheaf(vcpu, for: cache, M.self)
      else { return .none }
      line.install(main: empty)
      return .replaced
    }
    main.size = main.capacity
    guard let spare = line.spare else {
      guard let empty = instance.takeEmpty(vcpu, cache, M.self) else { return .none }
      line.spare = main
      line.install(main: empty)
      return .replaced
    }
    if spare.size < spare.capacity {
      line.spare = main
      line.install(main: spare)
      instance.count(vcpu, .spareSwap)
      return .replaced
    }
    switch instance.exchangeFullForEmpty(vcpu, cache, main, M.self) {
    case .exchanged(let empty):
      line.install(main: empty)
      return .replaced
    case .tooManyFull: return .tooManyFull(spare)
    default: return .none
    }
  }
}
