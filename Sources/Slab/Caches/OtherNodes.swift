import CPlatform

// Slow allocation with more than one node (kernel-reference §3.8).

extension Instance {
  /// Out of 1024 draws, those that let an allocation look at other nodes' partial lists: the
  /// kernel's remote_node_defrag_ratio.
  private static var defragRatio: UInt64 { 1000 }

  /// The node whose memory a call wants: `node`, or without a preference the caller's.
  @inline(__always)
  func wantedNode(_ caller: VCPU, _ node: Int32) -> Int {
    if nodeCount == 1 || node < 0 || Int(node) >= nodeCount || Int(node) == caller.node {
      return caller.node
    }
    count(caller, .nodeMismatch)
    return Int(node)
  }

  /// One object, from `cache`'s node if it can be; a node other than the caller's is a preference
  /// that is tried strictly first.
  ///
  /// - Context: `M`'s.  Progress: at most two looks at each node's lock, and a new slab each.
  @inline(never)
  func allocateAcrossNodes<M: CallMode>(_ caller: VCPU, _ cache: Cache, _ mode: M.Type)
    -> UnsafeMutableRawPointer?
  {
    var busy = false
    if let object = unsafe takePartial(caller, cache, M.self, &busy) { return unsafe object }
    let isPreferred = cache.nodeNumber != caller.node
    if isPreferred, let object = unsafe allocateFromNewSlab(caller, cache, M.self) {
      return unsafe object
    }
    let home = cache.nodeNumber
    if nl_cycles() % 1024 <= Self.defragRatio {
      var turn = 1
      while turn < nodeCount {
        let other = self.cache(cache.index, node: (home &+ turn) % nodeCount)
        if other.node.count > other.minimumPartial,
          let object = unsafe takePartial(caller, other, M.self, &busy)
        {
          return unsafe object
        }
        turn &+= 1
      }
    }
    var turn = isPreferred ? 1 : 0
    while turn < nodeCount {
      let other = self.cache(cache.index, node: (home &+ turn) % nodeCount)
      if let object = unsafe allocateFromNewSlab(caller, other, M.self) { return unsafe object }
      turn &+= 1
    }
    return nil
  }
}
