import CPlatform

/// One attached thread's block, or one of the two shared ones (`boot`, `gone`).  In the RT form
/// several threads have the same.
@safe
struct PerCPU<P: Preemption>: Equatable {
  let pointer: UnsafeMutablePointer<nl_vcpu>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_vcpu>) { unsafe self.pointer = pointer }

  @inline(__always)
  static func == (a: PerCPU, b: PerCPU) -> Bool { unsafe a.pointer == b.pointer }

  @inline(__always)
  static var boot: PerCPU { unsafe PerCPU(nl_get_boot()) }
  @inline(__always)
  static var gone: PerCPU { unsafe PerCPU(nl_get_gone()) }

  @inline(__always)
  var state: UInt32 {
    get { unsafe nl_vcpu_state(pointer) }
    nonmutating set { unsafe nl_vcpu_set_state(pointer, newValue) }
  }

  /// True of `boot` and `gone`: no thread's own, never written.
  @inline(__always)
  var isShared: Bool { state == NL_VCPU_SHARED.rawValue }

  /// The simulated node that the thread belongs to.
  @inline(__always)
  var node: Int { unsafe Int(pointer.pointee.node) }

  /// True of the helper thread's block.
  @inline(__always)
  var isWorker: Bool { unsafe nl_vcpu_hooked(pointer) == 3 }

  /// The thread that uses this block.
  @inline(__always)
  var tid: UInt32 {
    if P.isRT { return nl_task_tid() }
    return isShared ? CentralLock.unknownHolder : unsafe pointer.pointee.tid
  }

  /// Who takes a central lock in this block's name.  Not the tid, which another thread may have when
  /// the block of a dead one is reclaimed; RT locks lend priority, for which they need it.
  @inline(__always)
  var holder: UInt32 {
    if P.isRT { return nl_task_tid() }
    return isShared ? CentralLock.unknownHolder : unsafe pointer.pointee.index &+ 1
  }

  /// The line at a byte offset, as the tables hold it.
  @inline(__always)
  func line(atOffset offset: Int) -> PerCPULine<P> {
    unsafe PerCPULine(
      (UnsafeMutableRawPointer(pointer) + offset).assumingMemoryBound(to: nl_line.self))
  }

  /// The line of a cache, 0..<NL_CACHES.
  @inline(__always)
  func line(ofCache cache: Int) -> PerCPULine<P> {
    unsafe PerCPULine(nl_vcpu_at_line(pointer, cache &+ Int(NL_LINE_FIRST.rawValue)))
  }

  @inline(__always)
  var deferred: DeferredList { unsafe DeferredList(nl_vcpu_at_deferred(pointer)) }
  /// Of the design with per-CPU slabs: deactivations that handlers of this thread left.
  @inline(__always)
  var deferredSlabs: DeferredList { unsafe DeferredList(nl_vcpu_at_deferred_slabs(pointer)) }
}

extension Instance {
  /// Counts an event of `caller`, in its own block or, without one, in the instance's.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(__always)
  func count(_ caller: VCPU, _ counter: Counter, by n: Int = 1) {
    let n = UInt64(truncatingIfNeeded: n)
    if caller.isShared {
      _ = unsafe nl_add(nl_instance_at_counter(pointer, counter.rawValue), n)
    } else if P.isRT {
      // Relaxed: a statistic, and other threads count here, too.
      _ = unsafe nl_add(nl_vcpu_at_counter(caller.pointer, counter.rawValue), n)
    } else {
      unsafe nl_count_by(nl_vcpu_at_counter(caller.pointer, counter.rawValue), n)
    }
  }
}
