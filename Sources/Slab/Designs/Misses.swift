import CNolock
import CPlatform

// What an entry point does after a miss: the line's next sheaf, then the general slow path.  The line
// is computed again, so that a hit keeps no register for it.

extension Design {
  @inline(never)
  static func missed(_ size: UInt) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, plainLine(vcpu, size &- 1), Ordinary.self)
      ?? allocSlow(size, 0, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missedAccounted(_ size: UInt) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, accountedLine(vcpu, size &- 1), Ordinary.self)
      ?? allocSlow(size, NOLOCK_GFP_ACCOUNT.rawValue, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missedNolock(_ size: UInt) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, plainLine(vcpu, size &- 1), Nolock.self)
      ?? allocNolockSlow(size, 0, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missedNolockAccounted(_ size: UInt) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, accountedLine(vcpu, size &- 1), Nolock.self)
      ?? allocNolockSlow(size, NOLOCK_GFP_ACCOUNT.rawValue, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missed(freeing object: UnsafeMutableRawPointer?) {
    let vcpu = C.vcpu
    guard let line = unsafe line(vcpu, of: object),
      unsafe freeToNext(vcpu, line, object.unsafelyUnwrapped, Ordinary.self)
    else { return unsafe freeSlow(object) }
  }

  @inline(never)
  static func missedNolock(freeing object: UnsafeMutableRawPointer?) {
    let vcpu = C.vcpu
    guard let line = unsafe line(vcpu, of: object),
      unsafe freeToNext(vcpu, line, object.unsafelyUnwrapped, Nolock.self)
    else { return unsafe freeNolockSlow(object) }
  }
}
