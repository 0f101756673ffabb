import CNolock
import CPlatform

// Reading the counters.  Each vCPU counts for itself and keeps its counts after its thread's end,
// so every sum is monotonic; it is exact when no thread is inside the allocator.

extension Instance {
  /// Sum of a slow-path counter over all vCPUs and callers without one.
  func sum(_ counter: Counter) -> UInt64 {
    var sum = unsafe nl_load(nl_instance_at_counter(pointer, counter.rawValue))
    var i = 0
    while i < vcpuCount {
      sum &+= unsafe nl_load(nl_vcpu_at_counter(vcpu(i).pointer, counter.rawValue))
      i &+= 1
    }
    return sum
  }

  /// Counts an object that a slab served.
  @inline(__always)
  func countSlow<M: CallMode>(_ caller: VCPU, _ mode: M.Type) {
    count(caller, .allocSlow)
    if !M.waits { count(caller, .nolockSlow) }
  }

  /// Operations that a vCPU's sheaves served.
  func activity(of vcpu: VCPU) -> UInt64 { fast(vcpu, frees: false) &+ fast(vcpu, frees: true) }

  func sumFast(frees: Bool) -> UInt64 {
    var sum: UInt64 = 0
    var i = 0
    while i < vcpuCount {
      sum &+= fast(vcpu(i), frees: frees)
      i &+= 1
    }
    return sum
  }

  private func fast(_ vcpu: VCPU, frees: Bool) -> UInt64 {
    var sum: UInt64 = 0
    var i = 0
    while i < Int(NL_CACHES) {
      let line = vcpu.line(ofCache: i)
      if !frees {
        unsafe sum &+= nl_load(&line.pointer.pointee.alloc_fast)
      } else if unsafe pointer.pointee.counts_frees != 0 {
        unsafe sum &+= nl_load(&line.pointer.pointee.frees)
      } else {
        sum &+= line.freeCount
      }
      i &+= 1
    }
    return sum
  }

  /// Writes up to `capacity` statistics and returns how many there are (nolock_ops.stats).
  ///
  /// - Context: any: it only reads.
  func statistics(_ out: UnsafeMutablePointer<nolock_stat>?, _ capacity: Int) -> Int {
    var n = 0
    func add(_ name: StaticString, _ value: UInt64) {
      if n < capacity, let out = unsafe out {
        let bytes = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        unsafe out[n] = nolock_stat(name: bytes, value: value)
      }
      n &+= 1
    }
    add("alloc_fast", sumFast(frees: false) &+ sum(.allocPrefilled))
    add("free_fast", sumFast(frees: true))
    var i = 0
    while i < Counter.count {
      if let counter = Counter(rawValue: i) { add(counter.name, sum(counter)) }
      i &+= 1
    }
    let page: UInt64 = 4096
    add("pages_bytes_now", unsafe nl_load(nl_instance_at_pages_used(pointer)) &* page)
    add("pages_bytes_max", unsafe nl_load(nl_instance_at_pages_used_max(pointer)) &* page)
    add("quota_bytes_now", unsafe nl_load(nl_instance_at_quota_used(pointer)))
    add("quota_stock_bytes_now", stocks)
    add("vcpus_now", attachedCount)
    add("worker_wakeups", unsafe nl_load(&pointer.pointee.worker_wakeups))
    #if NOLOCK_LOCKDEP
      add("lockdep_reports", unsafe nl_load(nl_lockdep_count()))
    #endif
    add("worker_cpu_ns", unsafe nl_load(&pointer.pointee.worker_cpu_ns))
    return n
  }

  private var attachedCount: UInt64 {
    var n: UInt64 = 0
    var i = 0
    while i < vcpuCount {
      let vcpu = vcpu(i)
      let used = unsafe P.isRT ? nl_load_u32(nl_vcpu_at_users(vcpu.pointer)) > 0 : true
      if used, vcpu.state == NL_VCPU_ATTACHED.rawValue { n &+= 1 }
      i &+= 1
    }
    return n
  }
}

extension Counter {
  /// The statistic's public name.
  var name: StaticString {
    switch self {
    case .allocSlow: "alloc_slow"
    case .allocLarge: "alloc_large"
    case .freeSlow: "free_slow"
    case .freeDeferred: "free_deferred"
    case .freeLarge: "free_large"
    case .lineBusy: "line_busy"
    case .requestSeen: "request_seen"
    case .spareSwap: "spare_swap"
    case .barnGet: "barn_get"
    case .barnGetFail: "barn_get_fail"
    case .barnPut: "barn_put"
    case .barnPutFail: "barn_put_fail"
    case .sheafAlloc: "sheaf_alloc"
    case .sheafFree: "sheaf_free"
    case .sheafRefill: "sheaf_refill"
    case .sheafFlush: "sheaf_flush"
    case .objectsRefilled: "objects_refilled"
    case .objectsFlushed: "objects_flushed"
    case .slabAlloc: "slab_alloc"
    case .slabFree: "slab_free"
    case .orderFallback: "order_fallback"
    case .slabCASFail: "slab_cas_fail"
    case .partialAdd: "partial_add"
    case .partialRemove: "partial_remove"
    case .deferredDrained: "deferred_drained"
    case .nextBucket: "next_bucket"
    case .nolockNull: "nolock_null"
    case .nolockSlow: "nolock_slow"
    case .listLockBusy: "list_lock_busy"
    case .barnLockBusy: "barn_lock_busy"
    case .zoneLockBusy: "zone_lock_busy"
    case .slabReturned: "slab_returned"
    case .limitHit: "limit_hit"
    case .outOfPages: "out_of_pages"
    case .freshPages: "fresh_pages"
    case .badFree: "bad_free"
    case .largeLeaked: "large_leaked"
    case .remoteFlush: "remote_flush"
    case .remoteNotTaken: "remote_not_taken"
    case .attach: "attach"
    case .attachFailed: "attach_failed"
    case .lostLines: "lost_lines"
    case .lostAtFork: "lost_at_fork"
    case .lostByJump: "lost_by_jump"
    case .nodeMismatch: "node_mismatch"
    case .freeRemote: "free_remote"
    case .quotaFail: "quota_fail"
    case .allocPrefilled: "alloc_prefilled"
    case .prefillFast: "prefill_fast"
    case .prefillSlow: "prefill_slow"
    case .prefillOversize: "prefill_oversize"
    case .returnFast: "return_fast"
    case .returnSlow: "return_slow"
    case .deactivate: "deactivate"
    case .deactivateDeferred: "deactivate_deferred"
    case .cpuPartialAlloc: "cpu_partial_alloc"
    case .cpuPartialNode: "cpu_partial_node"
    case .cpuPartialFree: "cpu_partial_free"
    case .cpuPartialDrain: "cpu_partial_drain"
    case .freeFrozen: "free_frozen"
    case .slabErrors: "slab_errors"
    case .objectsWithheld: "objects_withheld"
    }
  }
}
