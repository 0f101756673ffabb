import CPlatform

/// A cache's line in a vCPU where the design keeps a slab per CPU: the active slab, the objects that
/// were taken off it, and a chain of partial ones (struct kmem_cache_cpu).
///
/// {freelist, tid} change by one exchange, so the fast path needs no lock.  The lock guards what
/// takes several steps: the active slab and the chain.  Whoever holds it is this very thread, so a
/// nolock call that finds it held must touch nothing of the line, not even by an exchange.
///
/// In the RT form every change is made under the lock, as in the kernel, which has no lockless fast
/// path there.
@safe
struct CPUSlab<P: Preemption> {
  let pointer: UnsafeMutablePointer<nl_cpu_slab>

  @inline(__always)
  init(_ line: PerCPULine<P>) {
    unsafe pointer = UnsafeMutableRawPointer(line.pointer).assumingMemoryBound(
      to: nl_cpu_slab.self)
  }

  @inline(__always)
  var line: PerCPULine<P> {
    unsafe PerCPULine(UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: nl_line.self))
  }

  @inline(__always)
  var freelist: UnsafeMutableRawPointer? { unsafe nl_cpu_slab_freelist(pointer) }
  @inline(__always)
  var tid: UInt64 { unsafe nl_cpu_slab_tid(pointer) }

  /// The active slab.  Written under the lock and together with a new tid.
  @inline(__always)
  var slab: Slab? { unsafe nl_cpu_slab_slab(pointer).map { unsafe Slab($0) } }

  /// Partial slabs, guarded by the lock.
  @inline(__always)
  var partial: Slab? {
    get { unsafe pointer.pointee.partial.map { unsafe Slab($0) } }
    nonmutating set { unsafe pointer.pointee.partial = newValue?.pointer }
  }
  @inline(__always)
  var partialCount: UInt64 {
    get { unsafe pointer.pointee.partial_slabs }
    nonmutating set { unsafe pointer.pointee.partial_slabs = newValue }
  }

  /// Where a free object of this line's cache keeps its link; as in `Buckets.linkOffset`.
  @inline(__always)
  func link(of object: UnsafeMutableRawPointer) -> Slot {
    let offset = unsafe Int(pointer.pointee.object_size &>> 1) & ~7
    return unsafe (object + offset).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
  }

  /// Tries of an exchange that a handler of this thread can make fail; then the lock keeps it out.
  static var exchangeCap: Int { 8 }

  /// Takes the first free object; nil if there is none, or handlers interfered too often.
  ///
  /// The link may be stale by the time it is read: then a handler took the object, and the tid
  /// makes the exchange fail.
  /// - Context: task; any if the lock was seen free.
  @inline(__always)
  func pop() -> UnsafeMutableRawPointer? {
    var tries = 0
    while tries < Self.exchangeCap {
      let tid = tid
      guard let object = unsafe freelist else { return nil }
      let next = unsafe nl_load_pointer(link(of: object))
      if unsafe nl_cpu_slab_cas(pointer, object, tid, next, tid &+ 1) { return unsafe object }
      tries &+= 1
    }
    return nil
  }

  /// Puts an object of `owner` back if that is the active slab.
  ///
  /// - Context: task; any if the lock was seen free.
  @inline(__always)
  func push(_ object: UnsafeMutableRawPointer, of owner: Slab) -> Bool {
    var tries = 0
    while tries < Self.exchangeCap {
      let tid = tid
      nl_signal_fence()
      guard unsafe nl_cpu_slab_slab(pointer) == owner.pointer else { return false }
      let first = unsafe freelist
      unsafe nl_store_pointer(link(of: object), first)
      if unsafe nl_cpu_slab_cas(pointer, first, tid, object, tid &+ 1) { return true }
      tries &+= 1
    }
    return false
  }

  /// Makes `slab` active with `freelist` as its objects, lock held.
  @inline(__always)
  func install(_ slab: Slab?, _ freelist: UnsafeMutableRawPointer?) {
    unsafe nl_cpu_slab_set_slab(pointer, slab?.pointer)
    unsafe nl_cpu_slab_set_freelist(pointer, freelist)
    unsafe nl_cpu_slab_set_tid(pointer, tid &+ 1)
  }

  /// Leaves the line without an active slab, lock held.
  @inline(__always)
  func clear() { unsafe install(nil, nil) }

  /// Puts a partial slab at the head of the chain, lock held.
  @inline(__always)
  func pushPartial(_ slab: Slab) {
    slab.next = partial
    partial = slab
    partialCount &+= 1
  }

  @inline(__always)
  func popPartial() -> Slab? {
    guard let slab = partial else { return nil }
    partial = slab.next
    partialCount &-= 1
    return slab
  }
}
