/// The kmalloc size classes and the shape of their slabs: pure arithmetic (kernel-reference §1.1,
/// §1.2, §3.2).
enum Buckets {
  /// Sizes in bytes, ascending, by bucket number.  Arithmetic: a switch becomes a jump table, which
  /// no walk of the object code can follow.
  @inline(__always)
  static func size(_ bucket: Int) -> Int {
    if bucket < 4 { return 8 &<< bucket }
    if bucket > 6 { return 256 &<< (bucket &- 7) }
    return bucket == 4 ? 96 : bucket == 5 ? 128 : 192
  }

  /// The bucket that serves `size` bytes, 1...8192.
  @inline(__always)
  static func index(forSize size: Int) -> Int {
    let log = Int.bitWidth &- (size &- 1).leadingZeroBitCount  // ⌈log2 size⌉, 0 for 1
    if size <= 64 { return log < 4 ? 0 : log &- 3 }
    if size > 192 { return log &- 1 }
    return size <= 96 ? 4 : size <= 128 ? 5 : 6
  }

  /// Where a free object keeps its link: its middle, rounded down to a word.
  @inline(__always)
  static func linkOffset(objectSize: Int) -> Int { (objectSize / 2) & ~7 }

  /// Empty slabs that a node keeps: log2(size)/2, clamped to 5...10.
  static func minimumPartial(objectSize: Int) -> Int {
    let half = (Int.bitWidth &- 1 &- objectSize.leadingZeroBitCount) / 2
    return half < 5 ? 5 : half > 10 ? 10 : half
  }

  /// Partial slabs of a vCPU: half-full ones that hold 6/24/52/120 free objects (the kernel's
  /// set_cpu_partial()).
  static func cpuPartialSlabs(objectSize: Int, order: Int) -> Int {
    let wanted = objectSize >= 4096 ? 6 : objectSize >= 1024 ? 24 : objectSize >= 256 ? 52 : 120
    let perSlab = (4096 &<< order) / objectSize
    return (wanted &* 2 &+ perSlab &- 1) / perSlab
  }

  /// The kernel's calculate_order(): the smallest order that holds enough objects with a bounded
  /// rest, at most `highest` where an object fits.
  ///
  /// - Parameter cpus: present CPUs; the wanted number of objects grows with their logarithm.
  static func slabOrder(objectSize: Int, cpus: Int, highest: Int = 3) -> Int {
    let highestBit = Int.bitWidth &- cpus.leadingZeroBitCount  // fls()
    let fitting = (4096 &<< highest) / objectSize
    let wanted = 4 &* (highestBit &+ 1)
    let minimum = wanted < fitting ? wanted : fitting
    var start = 0
    while (4096 &<< start) < minimum &* objectSize { start &+= 1 }
    var fraction = 16
    while fraction > 1 {
      var order = start
      while order <= highest {
        let bytes = 4096 &<< order
        if bytes >= objectSize, bytes % objectSize <= bytes / fraction { return order }
        order &+= 1
      }
      fraction /= 2
    }
    return minimumOrder(objectSize: objectSize)
  }

  /// The smallest order that holds one object: the fallback when the preferred one fails.
  static func minimumOrder(objectSize: Int) -> Int {
    var order = 0
    while (4096 &<< order) < objectSize { order &+= 1 }
    return order
  }
}
