import CPlatform

// memcg: a byte quota for accounted objects, with a stock per vCPU so that few calls touch the
// shared word.
//
// Without a quota nothing here is reached by a hit.  With one, the accounted bucket table and the
// views of the page table lead to dummy lines, and the slow path charges and uncharges.  The stock
// is guarded by a line of its own: no locked instruction, and a remote flusher can take it.

extension Instance {
  /// Bytes that a vCPU charges ahead.
  static var stockBatch: UInt64 { 64 << 10 }

  /// Sets the quota, in bytes; false for 0, and for a first quota after the first allocation.
  ///
  /// - Context: task.
  func setQuota(_ bytes: UInt64) -> Bool {
    guard bytes != 0, isStarted else { return false }
    let quota = unsafe nl_instance_at_quota(pointer)
    if unsafe nl_load(quota) == 0 {
      if sum(.slabAlloc) &+ sum(.allocLarge) != 0 || !useViews() { return false }
      var i = 0
      while i < vcpuCount {
        var entry = 0
        while entry < 1024 {
          unsafe nl_vcpu_at_bucket_accounted(vcpu(i).pointer, entry).pointee = 0
          entry &+= 1
        }
        i &+= 1
      }
    }
    unsafe nl_store(quota, bytes)
    return true
  }

  /// Charges `bytes`; false if the quota does not allow it.  Always true without a quota.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(__always)
  func charge(_ caller: VCPU, _ bytes: Int) -> Bool {
    unsafe nl_load(nl_instance_at_quota(pointer)) == 0
      || chargeStock(caller, UInt64(truncatingIfNeeded: bytes))
  }

  /// Gives back what an object was charged.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(__always)
  func uncharge(_ caller: VCPU, _ bytes: Int) {
    if unsafe nl_load(nl_instance_at_quota(pointer)) == 0 { return }
    unchargeStock(caller, UInt64(truncatingIfNeeded: bytes))
  }

  /// Charges whatever the quota says: for what must not fail.
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(__always)
  func chargeForced(_ bytes: Int) {
    if unsafe nl_load(nl_instance_at_quota(pointer)) == 0 { return }
    _ = unsafe nl_add(nl_instance_at_quota_used(pointer), UInt64(truncatingIfNeeded: bytes))
  }

  @inline(__always)
  private func chargeStock(_ caller: VCPU, _ bytes: UInt64) -> Bool {
    let line = caller.stockLine
    // RT: other threads have the same vCPU, and not every context may take a lock.
    guard !P.isRT, line.relock() else { return chargeShared(caller, bytes) }
    let stock = unsafe nl_vcpu_at_stock(caller.pointer)
    let old = unsafe nl_load(stock)
    var charged = true
    if old >= bytes {
      unsafe nl_store(stock, old &- bytes)
    } else if take(bytes &+ Self.stockBatch) {
      unsafe nl_store(stock, old &+ Self.stockBatch)
    } else if take(bytes &- old) {
      unsafe nl_store(stock, 0)
    } else {
      charged = false
      count(caller, .quotaFail)
    }
    line.unlock()
    return charged
  }

  @inline(never)
  private func chargeShared(_ caller: VCPU, _ bytes: UInt64) -> Bool {
    if take(bytes) { return true }
    count(caller, .quotaFail)
    return false
  }

  /// Adds first and looks then, as the kernel's page_counter: a racing caller may fail too early,
  /// nobody exceeds the quota.
  @inline(__always)
  private func take(_ bytes: UInt64) -> Bool {
    let used = unsafe nl_instance_at_quota_used(pointer)
    let quota = unsafe nl_load(nl_instance_at_quota(pointer))
    if unsafe nl_add(used, bytes) &+ bytes <= quota { return true }
    _ = unsafe nl_add(used, 0 &- bytes)
    return false
  }

  @inline(__always)
  private func unchargeStock(_ caller: VCPU, _ bytes: UInt64) {
    var excess = bytes
    let line = caller.stockLine
    if !P.isRT, line.relock() {
      let stock = unsafe nl_vcpu_at_stock(caller.pointer)
      let now = unsafe nl_load(stock) &+ bytes
      excess = now > 2 &* Self.stockBatch ? now &- Self.stockBatch : 0
      unsafe nl_store(stock, now &- excess)
      line.unlock()
    }
    if excess != 0 { _ = unsafe nl_add(nl_instance_at_quota_used(pointer), 0 &- excess) }
  }

  /// Returns the stock of a block that nobody uses any more.
  ///
  /// - Context: task.
  func returnStock(of vcpu: VCPU) {
    let stock = unsafe nl_vcpu_at_stock(vcpu.pointer)
    let bytes = unsafe nl_load(stock)
    unsafe nl_store(stock, 0)
    if bytes != 0 { _ = unsafe nl_add(nl_instance_at_quota_used(pointer), 0 &- bytes) }
  }

  /// Returns a silent thread's stock unless it is using it.  One fence is enough here: the owner
  /// looks at the request after every lock store (SheafRemoteFlush.swift needs two, because there
  /// the fast line does not).
  ///
  /// - Context: task; the caller holds the block's `flush_lock`.
  func returnStockRemotely(_ vcpu: VCPU) {
    guard unsafe nl_load(nl_instance_at_quota(pointer)) != 0, unsafe pointer.pointee.membarrier != 0
    else { return }
    let line = vcpu.stockLine
    unsafe nl_line_set_request(line.pointer, 1)
    _ = nl_membarrier()
    // Acquire: pairs with the owner's release at its unlock.
    if unsafe nl_line_lock_acquire(line.pointer) == 0 { returnStock(of: vcpu) }
    // Release: an owner that reads 0 sees the emptied stock.
    unsafe nl_line_release_request(line.pointer)
  }

  /// Bytes in all stocks: relaxed, like the owners' stores; exact while nobody charges.
  var stocks: UInt64 {
    var sum: UInt64 = 0
    var i = 0
    while i < vcpuCount {
      sum &+= unsafe nl_load(nl_vcpu_at_stock(vcpu(i).pointer))
      i &+= 1
    }
    return sum
  }
}

extension PerCPU {
  /// Guards the stock by its lock and request; its other fields are not used.
  @inline(__always)
  var stockLine: PerCPULine<P> {
    unsafe PerCPULine(nl_vcpu_at_line(pointer, Int(NL_LINE_STOCK.rawValue)))
  }
}

extension Configuration {
  /// Takes back an object whose charge failed in any context.  It must be deferred: the way to its
  /// slab may wait for list_lock.  (The kernel's memcg_alloc_abort_single() goes there all the same,
  /// kernel-reference §4.5; so does the broken twin.)
  ///
  /// - Context: any.  Progress: wait-free.
  @inline(__always)
  static func abortCharge(_ caller: VCPU, _ object: UnsafeMutableRawPointer, of cache: Cache) {
    #if NOLOCK_BROKEN_CHARGE_ABORT
      instance.count(caller, .freeSlow)
      unsafe instance.freeToSlab(caller, object)
    #else
      unsafe deferFree(caller, object, of: cache)
    #endif
  }
}
