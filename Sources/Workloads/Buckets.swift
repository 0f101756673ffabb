/// The bucket that a request of `size` bytes (1…8192) is served from: the powers of two from 8 on,
/// with 96 and 192 between.  0 above 8192.
@inline(__always)
func bucket(for size: Int) -> Int {
  if size <= 8 { return 8 }
  if size > 8192 { return 0 }
  if size > 64 && size <= 96 { return 96 }
  if size > 128 && size <= 192 { return 192 }
  return 1 &<< (Int.bitWidth &- (size &- 1).leadingZeroBitCount)
}
