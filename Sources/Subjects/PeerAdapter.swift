import CNolock

/// The peer's own functions.  Written once before any thread starts; one peer per process.
nonisolated(unsafe) var peerMalloc: (@convention(c) (Int) -> UnsafeMutableRawPointer?)?
nonisolated(unsafe) var peerCalloc: (@convention(c) (Int, Int) -> UnsafeMutableRawPointer?)?

/// kmalloc() of a peer.  One test and one tail jump: calling a peer must cost as little as calling
/// a subject of our own.
let peerKmalloc: @convention(c) (Int, UInt32, Int32) -> UnsafeMutableRawPointer? = {
  size, gfp, _ in
  if gfp & UInt32(NOLOCK_GFP_ZERO.rawValue) != 0 {
    return unsafe peerCalloc.unsafelyUnwrapped(1, size)
  }
  return unsafe peerMalloc.unsafelyUnwrapped(size)
}
