import CNolock
import CPlatform

// What an entry point does before it knows whether it is a hit: from a size, or an address, to the
// line.  The same in every design.

extension Design {
  /// Ordinary allocation.
  @inline(__always)
  static func kmalloc(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UnsafeMutableRawPointer? {
    if C.hasNolockFlag, gfp & NOLOCK_GFP_NOLOCK.rawValue != 0 {
      return unsafe kmallocByFlag(size, gfp, node)
    }
    Lockdep.mightLock()
    let last = size &- 1
    guard _fastPath(last < UInt(NOLOCK_MAX_CACHE_SIZE)) else {
      return unsafe allocSlow(size, gfp, node)
    }
    guard _fastPath((gfp | UInt32(bitPattern: node &+ 1)) == 0) else {
      return unsafe flagged(size, gfp, node, Ordinary.self)
    }
    var object: UnsafeMutableRawPointer?
    if unsafe hit(plainLine(C.vcpu, last), &object, Ordinary.self) { return unsafe object }
    return unsafe missed(size, Ordinary.self)
  }

  /// Allocation in any context.
  @inline(__always)
  static func kmallocNolock(
    _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? {
    let last = size &- 1
    guard _fastPath(last < UInt(NOLOCK_MAX_CACHE_SIZE)) else {
      return unsafe allocNolockSlow(size, gfp, node)
    }
    guard _fastPath((gfp | UInt32(bitPattern: node &+ 1)) == 0) else {
      return unsafe flagged(size, gfp, node, Nolock.self)
    }
    var object: UnsafeMutableRawPointer?
    if unsafe !refuses && hit(plainLine(C.vcpu, last), &object, Nolock.self) {
      return unsafe object
    }
    return unsafe missed(size, Nolock.self)
  }

  @inline(__always)
  static func kfree(_ object: UnsafeMutableRawPointer?) {
    Lockdep.mightLock()
    if unsafe !hit(freeing: object, Ordinary.self) { unsafe missed(freeing: object, Ordinary.self) }
  }

  @inline(__always)
  static func kfreeNolock(_ object: UnsafeMutableRawPointer?) {
    if unsafe refuses || !hit(freeing: object, Nolock.self) {
      unsafe missed(freeing: object, Nolock.self)
    }
  }

  @inline(__always)
  static func plainLine(_ vcpu: VCPU, _ last: UInt) -> Line {
    let entry = unsafe nl_vcpu_at_bucket(vcpu.pointer, Int(bitPattern: last &>> 3)).pointee
    return vcpu.line(atOffset: Int(entry))
  }

  @inline(__always)
  static func accountedLine(_ vcpu: VCPU, _ last: UInt) -> Line {
    let entry = unsafe nl_vcpu_at_bucket_accounted(vcpu.pointer, Int(bitPattern: last &>> 3))
      .pointee
    return vcpu.line(atOffset: Int(entry))
  }

  /// The line that a freed object goes to.  NULL, ZERO_SIZE_PTR and foreign pointers lie outside the
  /// arena; whole pages and free pages lead to a dummy line.
  @inline(__always)
  static func line(_ vcpu: VCPU, of object: UnsafeMutableRawPointer?) -> Line? {
    let offset = unsafe UInt(bitPattern: object) &- vcpu.pointer.pointee.arena_base
    guard unsafe offset < vcpu.pointer.pointee.arena_size else { return nil }
    let entry = unsafe vcpu.pointer.pointee.page.unsafelyUnwrapped[
      Int(bitPattern: offset &>> UInt(NL_PAGE_SHIFT))]
    return vcpu.line(atOffset: Int(entry))
  }

  /// True if the object was taken.
  @inline(__always)
  private static func hit<M: CallMode>(
    freeing object: UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool {
    guard let line = unsafe line(C.vcpu, of: object) else { return false }
    return unsafe hit(line, freeing: object.unsafelyUnwrapped, M.self)
  }
}
