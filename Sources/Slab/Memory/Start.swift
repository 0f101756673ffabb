import CPlatform

extension Instance {
  /// States of `started`.
  private static var running: UInt32 { 1 }
  private static var starting: UInt32 { 2 }
  private static var failed: UInt32 { 3 }

  /// Reserves the arena and its tables, once.  True if the instance can be used.
  ///
  /// Address space only: no page is touched before it is used.
  /// - Context: task; the constructor, or the first ordinary call of a program that runs before it.
  func start(
    _ constants: Constants, exitHook: nl_exit_hook, childHook: nl_plain_hook,
    prepare: () -> Bool
  ) -> Bool {
    let started = unsafe nl_instance_at_started(pointer)
    if unsafe !nl_cas_u32(started, 0, Self.starting) {
      while unsafe nl_load_u32(started) == Self.starting { nl_yield() }
      return isStarted
    }
    Slab.detectExchange()
    let cpus = nl_cpu_count()
    unsafe pointer.pointee.cpu_count = cpus
    unsafe pointer.pointee.barn_limit = UInt32(constants.barnLimit)
    unsafe pointer.pointee.counts_frees = constants.countsFrees ? 1 : 0
    unsafe pointer.pointee.carves_from_top = constants.carvesFromTop ? 1 : 0
    for i in 0..<Int(NL_CACHES) {
      for node in 0..<Int(NL_NODES) {
        cache(i, node: node).prepare(index: i, node: node, cpus: Int(cpus), constants)
      }
    }
    guard reserveArena(), setNodes(1),
      unsafe nl_make_exit_key(&pointer.pointee.exit_key, exitHook) == 0,
      nl_at_fork(childHook) == 0, prepare()
    else {
      unsafe nl_store_u32(started, Self.failed)
      return false
    }
    if constants.hugePages { adviseHugePages() }
    unsafe pointer.pointee.membarrier = nl_membarrier_register() == 0 ? 1 : 0
    unsafe nl_store_u32(started, Self.running)
    return true
  }

  /// Huge pages for the low part, which task context touches: a live set of more than a few MiB
  /// else costs a walk of the page tables per object.  Its first block stays as it is, so that a
  /// small process stays small; so does the top part, where a handler's fault would clear 2 MiB.
  private func adviseHugePages() {
    let block: UInt64 = 4096 &<< UInt64(NL_MAX_ORDER)
    let end = UInt64(zone(0).growthEnd) * 4096
    // Refused where the kernel has none: then the pages are small.
    _ = unsafe nl_advise(pointer.pointee.arena_base + UInt(block), end - block, 14)  // MADV_HUGEPAGE
  }

  /// 64 GiB of addresses, or the largest half of it that the limits allow, down to 64 MiB.
  private func reserveArena() -> Bool {
    let alignment: UInt64 = 4096 &<< UInt64(NL_MAX_ORDER)
    var bytes: UInt64 = 64 << 30
    while bytes >= 64 << 20 {
      let pages = bytes / 4096
      let vcpus = bytes >> 20 < 65_536 ? bytes >> 20 : 65_536
      let tables = pages * 2 + pages * 64 + vcpus * 8192 + 4096
      let base = nl_reserve(bytes + alignment + tables)
      if base > 0 {
        let first = (UInt64(base) + alignment - 1) & ~(alignment - 1)
        place(first, bytes: bytes, pages: pages, vcpus: vcpus)
        return true
      }
      bytes /= 2
    }
    return false
  }

  private func place(_ first: UInt64, bytes: UInt64, pages: UInt64, vcpus: UInt64) {
    var next = UInt(first)
    unsafe pointer.pointee.arena_base = next
    unsafe pointer.pointee.arena_size = UInt(bytes)
    next += UInt(bytes)
    unsafe pointer.pointee.page = UnsafeMutablePointer(bitPattern: next)
    next += UInt(pages * 2)
    unsafe pointer.pointee.slab = UnsafeMutablePointer(bitPattern: next)
    next += UInt(pages * 64)
    unsafe pointer.pointee.vcpu = UnsafeMutablePointer(bitPattern: next)
    unsafe pointer.pointee.vcpu_limit = UInt32(vcpus)
    next += UInt(vcpus * 8192)
    // A fork, even one by a raw system call, shows itself by this word's being zero.
    unsafe pointer.pointee.fork_marker = UnsafeMutablePointer(bitPattern: next)
    unsafe pointer.pointee.fork_marker?.pointee = 1
    _ = nl_advise(next, 4096, 18)  // MADV_WIPEONFORK
  }
}
