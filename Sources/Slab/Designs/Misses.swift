import CNolock
import CPlatform

// What an entry point does after a miss: the line's next sheaf, then the general slow path.  The line
// is computed again, so that a hit keeps no register for it.

extension Design {
  @inline(never)
  static func missed<M: CallMode>(_ size: UInt, _ mode: M.Type) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, plainLine(vcpu, size &- 1), M.self)
      ?? M.allocSlow(Self.self, size, 0, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missedAccounted<M: CallMode>(
    _ size: UInt, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? {
    let vcpu = C.vcpu
    return unsafe allocateFromNext(vcpu, accountedLine(vcpu, size &- 1), M.self)
      ?? M.allocSlow(Self.self, size, NOLOCK_GFP_ACCOUNT.rawValue, NOLOCK_NO_NODE)
  }

  @inline(never)
  static func missed<M: CallMode>(freeing object: UnsafeMutableRawPointer?, _ mode: M.Type) {
    let vcpu = C.vcpu
    guard let line = unsafe line(vcpu, of: object),
      unsafe freeToNext(vcpu, line, object.unsafelyUnwrapped, M.self)
    else { return unsafe M.freeSlow(Self.self, object) }
  }
}
