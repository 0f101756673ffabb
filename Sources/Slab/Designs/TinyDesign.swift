import CPlatform

/// SLUB_TINY: nothing per CPU.  Every allocation takes one object under list_lock, by trylock in a
/// nolock call, and a nolock free is always deferred (kernel-reference §2.5).
enum TinyDesign<C: Configuration>: WithoutLines {
  @inline(__always)
  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    if M.waits { drainOwn(vcpu) }
    guard let object = unsafe C.instance.allocateFromSlab(vcpu, cache, M.self) else { return nil }
    C.instance.countSlow(vcpu, M.self)
    return unsafe object
  }

  @inline(__always)
  static func release<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool {
    if !M.waits { return false }
    drainOwn(vcpu)
    C.instance.count(vcpu, .freeSlow)
    unsafe C.instance.freeToSlab(vcpu, object)
    return true
  }
}
