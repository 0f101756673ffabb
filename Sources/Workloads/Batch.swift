/// `batch`: allocate `batch` objects, then free them in their order or in that of `order`; repeated
/// until `count` objects are done.  A last, smaller batch is freed in its order.
@inline(never)
func batchLoop(
  _ allocate: Allocate, _ free: Free, _ mix: SizeTable,
  _ objects: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ order: UnsafeMutablePointer<UInt32>?,
  _ batch: Int, _ count: UInt64
) -> LoopOutcome {
  let sizes = unsafe mix.sizes
  let mask = mix.count &- 1
  var failed: UInt64 = 0
  var left = count
  while left != 0 {
    let size = left < UInt64(truncatingIfNeeded: batch) ? Int(truncatingIfNeeded: left) : batch
    var index = 0
    while index != size {
      let object = unsafe allocate(Int(sizes[index & mask]), 0, -1)
      unsafe objects[index] = object
      if let object = unsafe object { unsafe mark(object) } else { failed &+= 1 }
      index &+= 1
    }
    index = 0
    if let order = unsafe order, size == batch {
      while index != size {
        if let object = unsafe objects[Int(order[index])] { unsafe free(object) }
        index &+= 1
      }
    } else {
      while index != size {
        if let object = unsafe objects[index] { unsafe free(object) }
        index &+= 1
      }
    }
    left &-= UInt64(truncatingIfNeeded: size)
  }
  return LoopOutcome(failed: failed, empty: failed)
}

/// A fixed random permutation of 0 ..< `count` (Fisher–Yates).
func permutation(count: Int, seed: UInt64) -> UnsafeMutablePointer<UInt32> {
  let order = unsafe mapped(UInt32.self, count: count)
  for index in 0..<count { unsafe order[index] = UInt32(index) }
  var random = seed | 1
  for index in stride(from: count - 1, to: 0, by: -1) {
    nextRandom(&random)
    let other = Int(random.multipliedFullWidth(by: UInt64(index + 1)).high)
    let kept = unsafe order[index]
    unsafe order[index] = order[other]
    unsafe order[other] = kept
  }
  return unsafe order
}

/// xorshift64: three shifts, never 0 from a state that is not 0.
@inline(__always)
func nextRandom(_ state: inout UInt64) {
  state ^= state &<< 13
  state ^= state &>> 7
  state ^= state &<< 17
}
