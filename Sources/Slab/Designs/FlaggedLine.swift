import CNolock
import CPlatform

// Allocation with flags, apart from the hit without them, which keeps its registers for itself.

extension Design {
  /// `gfpflag`'s NOLOCK_GFP_NOLOCK; not inlined, because two hits in one function share an end.
  @inline(never)
  static func kmallocByFlag(
    _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? {
    unsafe kmallocNolock(size, gfp & ~NOLOCK_GFP_NOLOCK.rawValue, node)
  }

  /// For a size that has a bucket.  ACCOUNT has a bucket table of its own and stays as close to a plain
  /// hit as it can: the real traces are full of it.
  @inline(never)
  static func flagged<M: CallMode>(
    _ size: UInt, _ gfp: UInt32, _ node: Int32, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    guard _fastPath(gfp == NOLOCK_GFP_ACCOUNT.rawValue && node == NOLOCK_NO_NODE) else {
      return unsafe zeroed(size, gfp, node, M.self)
    }
    var object: UnsafeMutableRawPointer?
    if unsafe (M.waits || !refuses) && hit(accountedLine(C.vcpu, size &- 1), &object, M.self) {
      return unsafe object
    }
    return unsafe missedAccounted(size, M.self)
  }

  /// With ZERO: the whole bucket is cleared.
  @inline(never)
  private static func zeroed<M: CallMode>(
    _ size: UInt, _ gfp: UInt32, _ node: Int32, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    if M.waits || !refuses, let object = unsafe hitZeroed(size, gfp, node, M.self) {
      return unsafe object
    }
    return unsafe M.allocSlow(Self.self, size, gfp, node)
  }

  /// A cleared object, for flags with ZERO; nil for all others.
  @inline(__always)
  private static func hitZeroed<M: CallMode>(
    _ size: UInt, _ gfp: UInt32, _ node: Int32, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    let last = size &- 1
    let account = NOLOCK_GFP_ACCOUNT.rawValue
    guard gfp & ~account == NOLOCK_GFP_ZERO.rawValue, node == NOLOCK_NO_NODE else { return nil }
    let vcpu = C.vcpu
    let line = gfp & account != 0 ? accountedLine(vcpu, last) : plainLine(vcpu, last)
    var object: UnsafeMutableRawPointer?
    guard unsafe hit(line, &object, M.self) else { return nil }
    unsafe nl_clear(object.unsafelyUnwrapped, line.objectSize)
    return unsafe object
  }
}
