import CPlatform

/// SLUB_TINY: nothing per CPU.  Every allocation takes one object under list_lock, by trylock in a
/// nolock call, and a nolock free is always deferred (kernel-reference §2.5).
enum TinyDesign<C: Configuration>: Design {
  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, _ object: inout UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool { false }

  @inline(__always)
  static func hit<M: CallMode>(
    _ line: Line, freeing object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool { false }

  @inline(__always)
  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    if M.waits { drainOwn(vcpu) }
    guard let object = unsafe C.instance.allocateFromSlab(vcpu, cache, M.self) else { return nil }
    C.instance.count(vcpu, .allocSlow)
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

  @inline(__always)
  private static func drainOwn(_ vcpu: VCPU) {
    if !vcpu.isShared, vcpu.deferred.hasWork { C.drainOwn(vcpu) }
  }

  // A line holds nothing; its fields stay as zero-filled memory has them.

  @inline(__always)
  static func open(_ line: Line, of cache: Cache) {}
  static func empty(_ caller: VCPU, _ line: Line, of cache: Cache) {}
  /// The slow path looks at the list itself.
  @inline(__always)
  static func wake(_ line: Line) {}
  static func flushRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int { 0 }
}
