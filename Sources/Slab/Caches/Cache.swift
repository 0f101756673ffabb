import CPlatform

/// What all vCPUs share for one bucket and family: its node and its barn.
@safe
struct Cache {
  let pointer: UnsafeMutablePointer<nl_cache>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_cache>) { unsafe self.pointer = pointer }

  @inline(__always)
  var index: Int { unsafe Int(pointer.pointee.index) }
  /// The simulated node whose slabs and sheaves these are.
  @inline(__always)
  var nodeNumber: Int { unsafe Int(pointer.pointee.numa_node) }
  /// True of the accounted (kmalloc-cg) family.
  @inline(__always)
  var isAccounted: Bool { index >= Int(NL_BUCKETS) }
  @inline(__always)
  var objectSize: Int { unsafe Int(pointer.pointee.object_size) }
  /// Where a free object's link stands.
  @inline(__always)
  var linkOffset: Int { unsafe Int(pointer.pointee.link_offset) }
  /// Of a new slab, in powers of two pages.
  @inline(__always)
  var order: Int { unsafe Int(pointer.pointee.order) }
  @inline(__always)
  var minimumOrder: Int { unsafe Int(pointer.pointee.minimum_order) }
  /// Objects in a sheaf.
  @inline(__always)
  var capacity: Int { unsafe Int(pointer.pointee.capacity) }
  /// Objects that a thread's first sheaf is filled with.
  @inline(__always)
  var firstFill: Int { unsafe Int(pointer.pointee.first_fill) }
  /// Partial slabs that a vCPU keeps; 0 in all designs but `cpuslab`.
  @inline(__always)
  var cpuPartial: UInt32 { unsafe pointer.pointee.cpu_partial }
  /// Empty slabs that the node keeps.
  @inline(__always)
  var minimumPartial: Int { unsafe Int(pointer.pointee.minimum_partial) }

  @inline(__always)
  var node: Node { unsafe Node(nl_cache_at_node(pointer)) }
  @inline(__always)
  var barn: Barn { unsafe Barn(nl_cache_at_barn(pointer)) }

  /// The cache that the memory of this one's sheaves comes from.
  @inline(__always)
  func sheafCache<P: Preemption>(in instance: Instance<P>) -> Cache {
    unsafe instance.cache(Int(pointer.pointee.sheaf_cache))
  }

  /// The link of a free object.
  @inline(__always)
  func link(of object: UnsafeMutableRawPointer) -> Slot {
    unsafe (object + linkOffset).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
  }

  /// Fills in one cache of an instance that is being started.
  func prepare(index: Int, node: Int, cpus: Int, _ constants: Constants) {
    let size = Buckets.size(index % Int(NL_BUCKETS))
    unsafe pointer.pointee.index = UInt32(index)
    unsafe pointer.pointee.numa_node = UInt32(node)
    unsafe pointer.pointee.object_size = UInt32(size)
    unsafe pointer.pointee.link_offset = UInt32(Buckets.linkOffset(objectSize: size))
    unsafe pointer.pointee.order = UInt32(
      Buckets.slabOrder(objectSize: size, cpus: cpus, highest: constants.highestOrder))
    unsafe pointer.pointee.minimum_order = UInt32(Buckets.minimumOrder(objectSize: size))
    unsafe pointer.pointee.minimum_partial =
      constants.keepsEmptySlabs ? UInt32(Buckets.minimumPartial(objectSize: size)) : 0
    unsafe pointer.pointee.cpu_partial =
      constants.hasCPUPartial ? UInt32(Buckets.cpuPartialSlabs(objectSize: size, order: order)) : 0
    if constants.hasChecks { addChecks(cpus: cpus) }
    let sheafBytes = constants.sheafBytes(size)
    // A sheaf fills its bucket exactly, as in the kernel.
    let slots = (sheafBytes - Sheaf.header) / 8
    unsafe pointer.pointee.capacity = UInt32(min(slots, Int(NL_SHEAF_LIMIT)))
    unsafe pointer.pointee.first_fill = UInt32(min(capacity, constants.firstFill))
    unsafe pointer.pointee.sheaf_cache = UInt32(Buckets.index(forSize: sheafBytes))
  }
}
