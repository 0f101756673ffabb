/// One thread's own books.  Monotonic; a measured part is the difference of two copies.
///
/// The foreground writes the first group, the thread's handlers the second: neither reads, changes
/// and writes back what the other might change in between.
struct Counts {
  var operations: UInt64 = 0
  var allocated: UInt64 = 0
  var freed: UInt64 = 0
  var allocFailed: UInt64 = 0
  /// kmalloc(0) that returned NOLOCK_ZERO_SIZE_PTR: no object, so not in the books.
  var zeroSized: UInt64 = 0
  var mismatches: UInt64 = 0
  var remoteFrees: UInt64 = 0
  var droppedFrees: UInt64 = 0
  var earlyFrees: UInt64 = 0

  var signals: UInt64 = 0
  var coalesced: UInt64 = 0
  var masked: UInt64 = 0
  /// Handlers that ended more than a period after their intended instant.
  var late: UInt64 = 0
  var attempts: UInt64 = 0
  var first: UInt64 = 0
  var nextBucket: UInt64 = 0
  var handlerFailed: UInt64 = 0
  var handlerFreed: UInt64 = 0
  var handed: UInt64 = 0
  var handlerZeroSized: UInt64 = 0
  var handlerMismatches: UInt64 = 0
  var handlerOperations: UInt64 = 0
  var handlerRemoteFrees: UInt64 = 0
  var handlerEarlyFrees: UInt64 = 0
  var bursts: UInt64 = 0

  /// Everything added up: all fields are 64-bit words, so the struct is an array of them.
  static func combine(_ a: Counts, _ b: Counts, _ with: (UInt64, UInt64) -> UInt64) -> Counts {
    var result = a
    unsafe withUnsafeMutableBytes(of: &result) { result in
      unsafe withUnsafeBytes(of: b) { b in
        for at in stride(from: 0, to: b.count, by: 8) {
          let left = unsafe result.load(fromByteOffset: at, as: UInt64.self)
          let right = unsafe b.load(fromByteOffset: at, as: UInt64.self)
          unsafe result.storeBytes(of: with(left, right), toByteOffset: at, as: UInt64.self)
        }
      }
    }
    return result
  }

  var totalAllocated: UInt64 { allocated &+ first &+ nextBucket }
  var totalFreed: UInt64 { freed &+ handlerFreed }
}
