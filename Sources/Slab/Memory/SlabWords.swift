import CPlatform

// Without a lock-free 128-bit compare-and-exchange (a first-generation x86-64, or an architecture
// that has none) a slab's words change under a lock, the kernel's slab_lock().  A handler could
// interrupt its holder, so then kmalloc_nolock always returns NULL, as in the kernel
// (kernel-reference §1.3, step 6).

extension Slab {
  /// True where nolock calls get nothing.
  @inline(__always)
  static var lacksExchange: Bool { unsafe nl_load_u32(nl_get_lacks_cas128()) != 0 }

  /// Looks whether the exchange is lock-free here, and says so once if it is not.
  ///
  /// - Context: task.
  static func detectExchange() {
    #if !NOLOCK_NO_CAS128
      if nl_has_cas128() != 0 { return }
    #endif
    guard unsafe nl_swap_u32(nl_get_lacks_cas128(), 1) == 0 else { return }
    let text: StaticString =
      "nolock: no lock-free 128-bit compare-and-exchange here: kmalloc_nolock() returns NULL\n"
    let bytes = unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    unsafe nl_write_error(bytes, UInt64(text.utf8CodeUnitCount))
  }

  /// - Context: task.
  /// - Ordering: as the exchange: acquire and release.
  @inline(never)
  func exchangeLocked(
    _ oldFreelist: UnsafeMutableRawPointer?, _ oldCounters: UInt64,
    _ freelist: UnsafeMutableRawPointer?, _ counters: UInt64
  ) -> Bool {
    let lock = unsafe nl_slab_at_word_lock(pointer)
    var spins = 0
    // Acquire, pairs with the release below; a holder may be descheduled.
    while unsafe nl_swap_u8(lock, 1) != 0 {
      spins &+= 1
      if spins % 100 == 0 { nl_give_way() } else { nl_pause() }
    }
    let same = unsafe self.freelist == oldFreelist && self.counters == oldCounters
    if same {
      unsafe nl_slab_store(pointer, freelist, counters)
    }
    unsafe nl_release_u8(lock)
    return same
  }
}
