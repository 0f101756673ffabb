import CNolock
import CPlatform

/// A form of the allocator's per-CPU layer: what stands between an entry point and the slabs.
///
/// Every use is specialised for one `Configuration`; nothing is looked up at run time.
protocol Design {
  associatedtype C: Configuration
  typealias VCPU = PerCPU<C.Preempt>
  typealias Line = PerCPULine<C.Preempt>

  /// The fast line's attempt: true with an object, or false with nothing changed.  The line may be
  /// a dummy (foreign page, no vCPU), which every design must refuse.
  static func hit<M: CallMode>(
    _ line: Line, _ object: inout UnsafeMutableRawPointer?, _ mode: M.Type
  ) -> Bool
  /// The same for a free: true if the object was taken.
  static func hit<M: CallMode>(
    _ line: Line, freeing object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool

  /// What comes after a miss: the layer's cheap next source, if it has one; nil with nothing changed.
  static func allocateFromNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ mode: M.Type
  ) -> UnsafeMutableRawPointer?
  /// The same for a free: true if the object was taken.
  static func freeToNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool

  /// One attempt at one cache: by way of the vCPU's layer, else from the slabs.
  ///
  /// Returns nil iff there is no memory, or `M` may not wait and every way was busy or empty.
  static func allocate<M: CallMode>(_ vcpu: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  /// Takes an object back; false iff `M` may not wait and it must be deferred.
  static func release<M: CallMode>(
    _ vcpu: VCPU, _ cache: Cache, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool

  // Many at once.  Context: task.  Without sheaves the defaults do (Bulk.swift, Prefilled.swift).

  /// Up to `count` objects into `slots`; how many.
  static func take(_ vcpu: VCPU, _ cache: Cache, into slots: Slot, count: Int) -> Int
  /// Frees objects of `cache`'s node, which is the vCPU's.
  static func put(_ vcpu: VCPU, _ cache: Cache, _ slots: Slot, count: Int)
  static func kfreeBulk(_ count: Int, _ slots: Slot?)
  /// Objects that a sheaf holds; 0 without sheaves.
  static func sheafCapacity(_ cache: Cache) -> Int
  /// A sheaf with at least `count` objects, at most a sheaf's capacity; nil without memory.
  static func takeSheaf(_ vcpu: VCPU, _ cache: Cache, count: Int) -> Sheaf?
  static func putSheaf(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf)
  /// Fills a sheaf as far as there is memory.
  static func refill(_ vcpu: VCPU, _ cache: Cache, _ sheaf: Sheaf)
  /// Called before an object's link goes onto a deferred list.  Context: any.
  static func willDefer(_ object: UnsafeMutableRawPointer, of cache: Cache)
  /// Usable bytes of an object.  Context: any.
  static func usableSize(_ object: UnsafeRawPointer, of cache: Cache) -> Int
  /// The "validate" control: checks every object; false without checks.
  static func validate(_ vcpu: VCPU) -> Bool
  /// Returns a deferred object to its slab.
  static func freeDrained(_ vcpu: VCPU, _ object: UnsafeMutableRawPointer)

  // A line's life.  Contexts: any for `open` and `wake`, task for the others.

  /// Makes a line of a block that a thread is about to use, but for its lock.
  static func open(_ line: Line, of cache: Cache)
  /// Returns everything that a line holds; its lock is held and stays so.
  static func empty(_ caller: VCPU, _ line: Line, of cache: Cache)
  /// Sends the owner's next ordinary call into the slow path, where it drains.
  static func wake(_ line: Line)
  /// Returns what a silent thread caches, as far as it is not using it; the lines found held.
  static func flushRemotely(_ caller: VCPU, _ vcpu: VCPU) -> Int
  /// Settles what handlers of a vCPU deferred besides objects; true if something is left.
  static func drainSlabs(_ caller: VCPU, of vcpu: VCPU) -> Bool
}

extension Design {
  @inline(__always)
  static func drainSlabs(_ caller: VCPU, of vcpu: VCPU) -> Bool { false }
}

extension Design {
  @inline(__always)
  static func allocateFromNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ mode: M.Type
  ) -> UnsafeMutableRawPointer? { nil }
  @inline(__always)
  static func freeToNext<M: CallMode>(
    _ vcpu: VCPU, _ line: Line, _ object: UnsafeMutableRawPointer, _ mode: M.Type
  ) -> Bool { false }
  @inline(__always)
  static func willDefer(_ object: UnsafeMutableRawPointer, of cache: Cache) {}
  @inline(__always)
  static func usableSize(_ object: UnsafeRawPointer, of cache: Cache) -> Int { cache.objectSize }
  static func validate(_ vcpu: VCPU) -> Bool { false }
  @inline(__always)
  static func freeDrained(_ vcpu: VCPU, _ object: UnsafeMutableRawPointer) {
    unsafe C.instance.freeToSlab(vcpu, object)
  }
}

/// What an entry point does where its fast line gave up: the same in every design.
extension Design {
  static var zeroSizePointer: UnsafeMutableRawPointer? {
    unsafe UnsafeMutableRawPointer(bitPattern: 16)
  }

  /// True for flags that the allocator knows.
  @inline(__always)
  static func areKnown(_ gfp: UInt32) -> Bool {
    gfp & ~(NOLOCK_GFP_ZERO.rawValue | NOLOCK_GFP_ACCOUNT.rawValue) == 0
  }

  /// RT: true where a nolock call must not touch a lock, and so gets nothing and defers its frees.
  @inline(__always)
  static var refuses: Bool { C.Preempt.isRT && !Context.allowsTrylock }

  /// The number of the cache that serves `size`, 1...8192 bytes.
  @inline(__always)
  static func cacheIndex(_ size: Int, _ gfp: UInt32) -> Int {
    let family = gfp & NOLOCK_GFP_ACCOUNT.rawValue != 0 ? Int(NL_BUCKETS) : 0
    return family &+ Buckets.index(forSize: size)
  }

  @inline(__always)
  static func cleared(
    _ object: UnsafeMutableRawPointer, _ cache: Cache, _ gfp: UInt32
  ) -> UnsafeMutableRawPointer? {
    if gfp & NOLOCK_GFP_ZERO.rawValue != 0 { unsafe nl_clear(object, cache.objectSize) }
    return unsafe object
  }

  /// Ordinary allocation, slow path.
  ///
  /// Returns nil iff a flag is unknown, the size is above NOLOCK_MAX_SIZE, or there is no memory.
  /// - Context: task.
  @inline(never)
  static func allocSlow(_ size: UInt, _ gfp: UInt32, _ node: Int32) -> UnsafeMutableRawPointer? {
    if size == 0 { return unsafe zeroSizePointer }
    guard areKnown(gfp) else { return nil }
    let instance = C.instance
    guard let vcpu = C.enterOrdinary() else { return nil }
    if size > UInt(NOLOCK_MAX_CACHE_SIZE) { return unsafe instance.allocateLarge(vcpu, size, gfp) }
    let home = instance.wantedNode(vcpu, node)
    let cache = instance.cache(cacheIndex(Int(bitPattern: size), gfp), node: home)
    guard let object = unsafe allocate(vcpu, cache, Ordinary.self) else { return nil }
    if cache.isAccounted, !instance.charge(vcpu, cache.objectSize) {
      _ = unsafe release(vcpu, cache, object, Ordinary.self)
      return nil
    }
    return unsafe cleared(object, cache, gfp)
  }

  /// Allocation in any context, slow path: the bucket, then the next larger one, then nil.
  ///
  /// - Context: any.  Progress: wait-free but for the slab's exchange, which is capped.
  @inline(never)
  static func allocNolockSlow(
    _ size: UInt, _ gfp: UInt32, _ node: Int32
  ) -> UnsafeMutableRawPointer? {
    if size == 0 { return unsafe zeroSizePointer }
    guard areKnown(gfp), C.instance.isStarted, !Slab.lacksExchange else { return nil }
    let instance = C.instance
    let vcpu = C.enterNolock()
    if refuses {
      instance.count(vcpu, .nolockNull)
      return nil
    }
    let home = instance.wantedNode(vcpu, node)
    var wanted = size
    var attempt = 0
    while attempt < (C.hasNolockFlag ? 1 : 2), wanted <= UInt(NOLOCK_MAX_CACHE_SIZE) {
      let cache = instance.cache(cacheIndex(Int(bitPattern: wanted), gfp), node: home)
      if attempt == 1 { instance.count(vcpu, .nextBucket) }
      if let object = unsafe allocate(vcpu, cache, Nolock.self) {
        if cache.isAccounted, !instance.charge(vcpu, cache.objectSize) {
          unsafe C.abortCharge(vcpu, object, of: cache)
          return nil
        }
        return unsafe cleared(object, cache, gfp)
      }
      wanted = UInt(bitPattern: cache.objectSize) &+ 1
      attempt &+= 1
    }
    instance.count(vcpu, .nolockNull)
    return nil
  }

  /// Ordinary free, slow path.  NULL and ZERO_SIZE_PTR do nothing; a pointer that is no object is
  /// counted (`bad_free`) and left alone.
  ///
  /// - Context: task.
  @inline(never)
  static func freeSlow(_ object: UnsafeMutableRawPointer?) {
    guard let object = unsafe object, unsafe object != zeroSizePointer else { return }
    let instance = C.instance
    guard let vcpu = C.enterOrdinary() else { return }
    guard let cache = unsafe instance.cache(at: object) else {
      if unsafe !instance.freeLarge(vcpu, object) { instance.count(vcpu, .badFree) }
      return
    }
    if cache.isAccounted { instance.uncharge(vcpu, cache.objectSize) }
    _ = unsafe release(vcpu, cache, object, Ordinary.self)
  }

  /// Free in any context, slow path: the vCPU's layer, else deferred.  Whole pages are leaked and
  /// counted, as in the kernel.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(never)
  static func freeNolockSlow(_ object: UnsafeMutableRawPointer?) {
    guard let object = unsafe object, unsafe object != zeroSizePointer, C.instance.isStarted
    else { return }
    let instance = C.instance
    let vcpu = C.enterNolock()
    guard let cache = unsafe instance.cache(at: object) else {
      instance.count(vcpu, unsafe instance.isLarge(object) ? .largeLeaked : .badFree)
      return
    }
    if cache.isAccounted { instance.uncharge(vcpu, cache.objectSize) }
    if !refuses, unsafe release(vcpu, cache, object, Nolock.self) { return }
    unsafe C.deferFree(vcpu, object, of: cache)
  }
}
