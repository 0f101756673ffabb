import CPlatform

// Simulated NUMA nodes: each has a range of the arena, a zone, partial lists and barns; a thread
// belongs to one.
//
// The fast line has no test for them.  With one node every vCPU uses the one page table.  With more
// each node has a view of it, in which the pages of other nodes, and of accounted caches while
// there is a quota, lead to a dummy line: such frees fall out at the lock test.

extension Instance {
  @inline(__always)
  var nodeCount: Int { unsafe Int(pointer.pointee.node_count) }

  /// The node that an arena page belongs to.
  @inline(__always)
  func node(ofPage page: Int) -> Int {
    if nodeCount == 1 { return 0 }
    let node = unsafe Int(UInt32(truncatingIfNeeded: page) / pointer.pointee.node_pages)
    return node < nodeCount ? node : nodeCount &- 1
  }

  /// The page table as a node's vCPUs see it.
  @inline(__always)
  func pageTable(ofNode node: Int) -> UnsafePointer<UInt16>? {
    let view = unsafe nl_instance_at_view(pointer, node).pointee
    return unsafe UnsafePointer(view ?? pointer.pointee.page)
  }

  /// Divides the arena among `count` nodes; false if that is not allowed or pages are in use.
  ///
  /// - Context: task, before the first allocation.
  func setNodes(_ count: Int) -> Bool {
    guard count >= 1, count <= Int(NL_NODES) else { return false }
    var node = 0
    while node < Int(NL_NODES) {
      let zone = unsafe zone(node).pointer
      if unsafe zone.pointee.grown != zone.pointee.first_page { return false }
      if unsafe nl_load(nl_zone_at_carved_from_top(zone)) != 0 { return false }
      node &+= 1
    }
    let pages = arenaPages / count & ~(1 &<< Int(NL_MAX_ORDER) &- 1)
    unsafe pointer.pointee.node_count = UInt32(count)
    unsafe pointer.pointee.node_pages = UInt32(pages)
    node = 0
    while node < Int(NL_NODES) {
      let zone = unsafe zone(node).pointer
      let first = node < count ? UInt64(node &* pages) : 0
      unsafe zone.pointee.first_page = first
      unsafe zone.pointee.grown = first
      unsafe zone.pointee.end_page = node < count ? first &+ UInt64(pages) : 0
      unsafe zone.pointee.populated_at_top = 0
      node &+= 1
    }
    return count == 1 || useViews()
  }

  /// Gives every node its view, and every vCPU that exists its node's; false without memory.
  ///
  /// - Context: task, before the first allocation: the views are empty.
  func useViews() -> Bool {
    var node = 0
    while node < nodeCount {
      let place = unsafe nl_instance_at_view(pointer, node)
      if unsafe place.pointee == nil {
        let base = nl_reserve(UInt64(arenaPages &* 2))
        if base < 0 { return false }
        unsafe place.pointee = UnsafeMutablePointer(bitPattern: base)
      }
      node &+= 1
    }
    var i = 0
    while i < vcpuCount {
      let vcpu = vcpu(i)
      unsafe vcpu.pointer.pointee.page = pageTable(ofNode: vcpu.node)
      i &+= 1
    }
    return true
  }

  /// Enters a block's pages in the views; a dummy line, like the table's zeroes, hides a page.
  @inline(never)
  func enterInViews(_ block: Slab, first: Int, line: Int) {
    let home = node(ofPage: first)
    let accounted = line >= Int(NL_LINE_FIRST.rawValue) &+ Int(NL_BUCKETS)
    let isHidden = unsafe accounted && pointer.pointee.quota != 0
    var node = 0
    while node < nodeCount {
      if let view = unsafe nl_instance_at_view(pointer, node).pointee {
        let shown = node == home && !isHidden ? line : Int(NL_LINE_REMOTE.rawValue)
        let entry = UInt16(truncatingIfNeeded: shown &* 64)
        var page = first
        while page < first &+ (1 &<< block.order) {
          unsafe view[page] = entry
          page &+= 1
        }
      }
      node &+= 1
    }
  }
}

extension Configuration {
  /// Moves the calling thread to a node: its caches are emptied, because objects of another node
  /// never stand in them.  0, or -1 for a node that does not exist.
  ///
  /// A handler that interrupts this finds lines held, and goes to the slabs.
  /// - Context: task.
  static func moveThread(to node: UInt64) -> Int32 {
    guard !Preempt.isRT, let vcpu = enterOrdinary(), !vcpu.isShared,
      node < UInt64(instance.nodeCount)
    else {
      return -1
    }
    let instance = instance
    instance.lockForFlush(vcpu)
    var held: UInt64 = 0
    var i = 0
    while i < Int(NL_CACHES) {
      let line = vcpu.line(ofCache: i)
      if line.tryLock() {
        held |= 1 &<< UInt64(i)
        Form.empty(vcpu, line, of: instance.cache(i, node: vcpu.node))
      }
      i &+= 1
    }
    instance.returnOwnPages(vcpu, of: vcpu)
    unsafe vcpu.pointer.pointee.node = UInt32(node)
    unsafe vcpu.pointer.pointee.page = instance.pageTable(ofNode: Int(node))
    i = 0
    while i < Int(NL_CACHES) {
      if held >> UInt64(i) & 1 != 0 {
        let line = vcpu.line(ofCache: i)
        Form.open(line, of: instance.cache(i, node: Int(node)))
        line.unlock()
      }
      i &+= 1
    }
    unsafe nl_release_u8(nl_vcpu_at_flush_lock(vcpu.pointer))
    return 0
  }
}
