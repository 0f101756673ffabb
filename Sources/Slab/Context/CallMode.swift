/// Whether a call may wait, as a type: every function on the way is compiled once for each, so the
/// object code of a nolock call holds no waiting at all, and a test can show it.
protocol CallMode {
  static var waits: Bool { get }
}

/// Task context: may spin, sleep on a futex, and wake sleepers.
enum Ordinary: CallMode {
  @inline(__always)
  static var waits: Bool { true }
}

/// Any context: trylocks only.
enum Nolock: CallMode {
  @inline(__always)
  static var waits: Bool { false }
}
