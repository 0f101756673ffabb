import CNolock
import CPlatform

// kmalloc above 8192 bytes: whole pages, rounded up to a power of two of them, as in the kernel.

extension Instance {
  /// Whole pages for `size` bytes; nil above NOLOCK_MAX_SIZE or without memory.
  ///
  /// - Context: task.
  @inline(never)
  func allocateLarge(_ caller: VCPU, _ size: UInt, _ gfp: UInt32) -> UnsafeMutableRawPointer? {
    guard size <= UInt(NOLOCK_MAX_SIZE) else { return nil }
    var order = 0
    while UInt(4096) &<< UInt(order) < size { order &+= 1 }
    guard let block = allocateAnywhere(caller, order: order) else { return nil }
    let charges = gfp & NOLOCK_GFP_ACCOUNT.rawValue != 0
    if charges, !charge(caller, 4096 &<< order) {
      freePages(caller, block, Ordinary.self)
      return nil
    }
    unsafe block.pointer.pointee.charged = charges ? 1 : 0
    block.state = NL_PAGE_LARGE
    let first = page(of: block)
    unsafe block.pointer.pointee.page = UInt32(truncatingIfNeeded: first)
    unsafe pointer.pointee.page.unsafelyUnwrapped[first] = UInt16(NL_LINE_PAGES.rawValue &* 64)
    count(caller, .allocLarge)
    let memory = unsafe address(ofPage: first)
    if gfp & NOLOCK_GFP_ZERO.rawValue != 0 { unsafe nl_clear(memory, 4096 &<< order) }
    return unsafe memory
  }

  /// True if `address` is the start of whole pages that kmalloc returned.
  @inline(__always)
  func isLarge(_ address: UnsafeRawPointer) -> Bool {
    guard let page = unsafe page(at: address) else { return false }
    let entry = unsafe pointer.pointee.page.unsafelyUnwrapped[page]
    let isAligned = UInt(bitPattern: address) & 4095 == 0
    return entry == UInt16(NL_LINE_PAGES.rawValue &* 64) && isAligned
  }

  /// Frees whole pages; false if `address` is not their start.
  ///
  /// - Context: task.
  @inline(never)
  func freeLarge(_ caller: VCPU, _ address: UnsafeRawPointer) -> Bool {
    guard unsafe isLarge(address), let page = unsafe page(at: address) else { return false }
    unsafe pointer.pointee.page.unsafelyUnwrapped[page] = UInt16(NL_LINE_FOREIGN.rawValue)
    count(caller, .freeLarge)
    let block = descriptor(page)
    if unsafe block.pointer.pointee.charged != 0 { uncharge(caller, 4096 &<< block.order) }
    freePages(caller, block, Ordinary.self)
    return true
  }

  /// Pages of the caller's node, else of any other.
  private func allocateAnywhere(_ caller: VCPU, order: Int) -> Slab? {
    var turn = 0
    while turn < nodeCount {
      let node = (caller.node &+ turn) % nodeCount
      if let block = allocatePages(caller, order: order, node: node, Ordinary.self) { return block }
      turn &+= 1
    }
    return nil
  }
}
