import CPlatform

/// Full and empty sheaves of one cache, for all vCPUs: how objects travel between threads in
/// batches.  Both lists are LIFO.  The limits are soft: read outside the lock, and exceeded where
/// the alternative is to lose a sheaf.
@safe
struct Barn {
  let pointer: UnsafeMutablePointer<nl_barn>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_barn>) { unsafe self.pointer = pointer }

  @inline(__always)
  var lock: CentralLock { unsafe CentralLock(nl_barn_at_lock(pointer), nl_get_class_barn()) }

  @inline(__always)
  var fullCount: Int { unsafe Int(nl_load_u32(&pointer.pointee.full_count)) }
  @inline(__always)
  var emptyCount: Int { unsafe Int(nl_load_u32(&pointer.pointee.empty_count)) }

  // The four list operations, lock held.  Who holds it may vanish at any instruction
  // (LeftLocks.swift): a sheaf is linked when it leads to the rest.

  @inline(__always)
  func popFull() -> Sheaf? {
    guard let head = unsafe pointer.pointee.full else { return nil }
    unsafe pointer.pointee.full = head.pointee.next
    unsafe nl_store_u32(&pointer.pointee.full_count, pointer.pointee.full_count &- 1)
    return unsafe Sheaf(head)
  }

  @inline(__always)
  func pushFull(_ sheaf: Sheaf) {
    unsafe sheaf.pointer.pointee.next = pointer.pointee.full
    nl_signal_fence()
    unsafe pointer.pointee.full = sheaf.pointer
    unsafe nl_store_u32(&pointer.pointee.full_count, pointer.pointee.full_count &+ 1)
  }

  @inline(__always)
  func popEmpty() -> Sheaf? {
    guard let head = unsafe pointer.pointee.empty else { return nil }
    unsafe pointer.pointee.empty = head.pointee.next
    unsafe nl_store_u32(&pointer.pointee.empty_count, pointer.pointee.empty_count &- 1)
    return unsafe Sheaf(head)
  }

  @inline(__always)
  func pushEmpty(_ sheaf: Sheaf) {
    unsafe sheaf.pointer.pointee.next = pointer.pointee.empty
    nl_signal_fence()
    unsafe pointer.pointee.empty = sheaf.pointer
    unsafe nl_store_u32(&pointer.pointee.empty_count, pointer.pointee.empty_count &+ 1)
  }
}

extension Instance {
  /// Takes a barn's lock, counting a nolock caller that finds it held.
  @inline(__always)
  private func enter<M: CallMode>(_ barn: Barn, _ caller: VCPU, _ mode: M.Type) -> Bool {
    if barn.lock.acquire(caller, M.self) {
      probePoint(NL_PROBE_BARN_LOCK)
      return true
    }
    count(caller, .barnLockBusy)
    return false
  }

  /// A full sheaf for an empty main, which goes to the barn unless it is the bootstrap sheaf; the
  /// limit does not matter, the number of sheaves stays.
  ///
  /// Returns nil iff the barn has no full sheaf, or the lock was held and `M` may not wait.
  @inline(__always)
  func exchangeEmptyForFull<M: CallMode>(
    _ caller: VCPU, _ cache: Cache, _ empty: Sheaf, _ mode: M.Type
  ) -> Sheaf? {
    let barn = cache.barn
    guard barn.fullCount > 0, enter(barn, caller, M.self) else {
      count(caller, .barnGetFail)
      return nil
    }
    let full = barn.popFull()
    if full != nil, empty != .bootstrap {
      empty.size = 0  // as a main it had none of its own
      barn.pushEmpty(empty)
    }
    barn.lock.release(caller, M.self)
    count(caller, full == nil ? .barnGetFail : .barnGet)
    return full
  }

  /// An empty sheaf out of the barn.
  @inline(__always)
  func takeEmpty<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type) -> Sheaf? {
    let barn = cache.barn
    guard barn.emptyCount > 0, enter(barn, caller, M.self) else { return nil }
    let sheaf = barn.popEmpty()
    barn.lock.release(caller, M.self)
    return sheaf
  }

  enum FullForEmpty {
    case exchanged(Sheaf)
    case tooManyFull  // −E2BIG
    case noEmpty  // −ENOMEM
    case busy  // −EBUSY
  }

  /// An empty sheaf for a full main.
  @inline(__always)
  func exchangeFullForEmpty<M: CallMode>(
    _ caller: VCPU, _ cache: Cache, _ full: Sheaf, _ mode: M.Type
  ) -> FullForEmpty {
    let barn = cache.barn
    if barn.fullCount >= barnLimit {
      count(caller, .barnPutFail)
      return .tooManyFull
    }
    if barn.emptyCount == 0 { return .noEmpty }
    guard enter(barn, caller, M.self) else { return .busy }
    let empty = barn.popEmpty()
    if empty != nil { barn.pushFull(full) }
    barn.lock.release(caller, M.self)
    guard let empty else { return .noEmpty }
    count(caller, .barnPut)
    return .exchanged(empty)
  }

  /// Puts a full sheaf into the barn, whatever the limit: the caller could not place it.
  ///
  /// - Context: task.
  func putFull(_ caller: VCPU, _ cache: Cache, _ sheaf: Sheaf) {
    let barn = cache.barn
    barn.lock.acquire(caller)
    barn.pushFull(sheaf)
    barn.lock.release(caller, Ordinary.self)
    count(caller, .barnPut)
  }

  /// Puts an empty sheaf into the barn, or frees it above the limit.
  ///
  /// - Context: task.
  func putEmpty(_ caller: VCPU, _ cache: Cache, _ sheaf: Sheaf) {
    let barn = cache.barn
    if barn.emptyCount >= barnLimit { return freeSheaf(caller, sheaf) }
    barn.lock.acquire(caller)
    barn.pushEmpty(sheaf)
    barn.lock.release(caller, Ordinary.self)
  }
}
