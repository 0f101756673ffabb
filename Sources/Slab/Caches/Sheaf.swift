import CPlatform

/// An array of object pointers of one cache, filled from slot 0.
@safe
struct Sheaf: Equatable {
  let pointer: UnsafeMutablePointer<nl_sheaf>
  /// Bytes of the header; the pointers follow.
  static var header: Int { 32 }

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_sheaf>) { unsafe self.pointer = pointer }

  @inline(__always)
  static func == (a: Sheaf, b: Sheaf) -> Bool { unsafe a.pointer == b.pointer }

  /// The shared sheaf of capacity 0 that stands for "none yet".
  @inline(__always)
  static var bootstrap: Sheaf { unsafe Sheaf(nl_get_bootstrap_sheaf()) }

  @inline(__always)
  var objects: Slot { unsafe nl_sheaf_objects(pointer) }

  @inline(__always)
  var capacity: Int { unsafe Int(pointer.pointee.capacity) }

  /// Valid while the sheaf is not a line's main, whose size is its `top`.
  @inline(__always)
  var size: Int {
    get { unsafe Int(pointer.pointee.size) }
    nonmutating set { unsafe pointer.pointee.size = UInt32(truncatingIfNeeded: newValue) }
  }

  @inline(__always)
  var next: Sheaf? {
    get { unsafe pointer.pointee.next.map { unsafe Sheaf($0) } }
    nonmutating set { unsafe pointer.pointee.next = newValue?.pointer }
  }
}

extension Instance {
  /// An empty sheaf for `cache`, or nil without memory.
  ///
  /// Its memory is an object of the plain family, taken from the slab and never from a sheaf (the
  /// kernel's NO_RECURSE), so making a sheaf needs none.
  /// - Context: `M`'s: task for `Ordinary`, any for `Nolock`.
  func makeSheaf<M: CallMode>(_ caller: VCPU, for cache: Cache, _ mode: M.Type) -> Sheaf? {
    guard let memory = unsafe allocateFromSlab(caller, cache.sheafCache(in: self), M.self)
    else { return nil }
    let sheaf = unsafe memory.bindMemory(to: nl_sheaf.self, capacity: 1)
    unsafe sheaf.pointee.next = nil
    unsafe sheaf.pointee.capacity = UInt32(truncatingIfNeeded: cache.capacity)
    unsafe sheaf.pointee.size = 0
    unsafe sheaf.pointee.cache = UInt32(truncatingIfNeeded: cache.index)
    unsafe sheaf.pointee.kind = NL_SHEAF_PLAIN.rawValue
    unsafe sheaf.pointee.node = UInt32(truncatingIfNeeded: cache.nodeNumber)
    count(caller, .sheafAlloc)
    return unsafe Sheaf(sheaf)
  }

  /// Returns an empty sheaf's memory.
  ///
  /// - Context: task.
  func freeSheaf(_ caller: VCPU, _ sheaf: Sheaf) {
    count(caller, .sheafFree)
    unsafe freeToSlab(caller, UnsafeMutableRawPointer(sheaf.pointer))
  }

  /// Fills `sheaf` with `wanted` objects from slabs; false if there were too few.
  ///
  /// - Context: task, no lock held.
  @inline(never)  // a place for breakpoints
  func refill(_ caller: VCPU, _ sheaf: Sheaf, of cache: Cache, upTo wanted: Int) -> Bool {
    let before = sheaf.size
    while sheaf.size < wanted {
      let got = unsafe takeFromSlabs(
        caller, cache, into: sheaf.objects + sheaf.size, atMost: wanted &- sheaf.size)
      if got == 0 { break }
      sheaf.size &+= got
    }
    count(caller, .sheafRefill)
    count(caller, .objectsRefilled, by: sheaf.size &- before)
    return sheaf.size >= wanted
  }

  /// Returns a sheaf's objects to their slabs; it is empty afterwards.
  ///
  /// - Context: task, no lock held.
  func flush(_ caller: VCPU, _ sheaf: Sheaf) {
    let size = sheaf.size
    if size == 0 { return }
    sheaf.size = 0
    count(caller, .sheafFlush)
    count(caller, .objectsFlushed, by: size)
    unsafe freeToSlabs(caller, sheaf.objects, count: size)
  }
}
