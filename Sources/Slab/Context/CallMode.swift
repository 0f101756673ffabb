/// Whether a call may wait, as a type: every function on the way is compiled once for each, so the
/// object code of a nolock call holds no waiting at all, and a test can show it.
protocol CallMode {
  static var waits: Bool { get }
  // The general slow paths.  Requirements, not a test of `waits`: the lint of the nolock entry points
  // looks at what a call names, before the optimiser drops a branch.
  static func allocSlow<D: Design>(
    _ design: D.Type, _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer?
  static func freeSlow<D: Design>(_ design: D.Type, _ object: UnsafeMutableRawPointer?)
}

/// Task context: may spin, sleep on a futex, and wake sleepers.
enum Ordinary: CallMode {
  @inline(__always)
  static var waits: Bool { true }
  @inline(__always)
  static func allocSlow<D: Design>(
    _ design: D.Type, _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? { unsafe D.allocSlow(size, gfp, node) }
  @inline(__always)
  static func freeSlow<D: Design>(_ design: D.Type, _ object: UnsafeMutableRawPointer?) {
    unsafe D.freeSlow(object)
  }
}

/// Any context: trylocks only.
enum Nolock: CallMode {
  @inline(__always)
  static var waits: Bool { false }
  @inline(__always)
  static func allocSlow<D: Design>(
    _ design: D.Type, _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? { unsafe D.allocNolockSlow(size, gfp, node) }
  @inline(__always)
  static func freeSlow<D: Design>(_ design: D.Type, _ object: UnsafeMutableRawPointer?) {
    unsafe D.freeNolockSlow(object)
  }
}
