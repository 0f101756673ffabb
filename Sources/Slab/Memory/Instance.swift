import CPlatform

/// One instance of the allocator: all that its threads share.
@safe
struct Instance<P: Preemption> {
  typealias VCPU = PerCPU<P>
  typealias Line = PerCPULine<P>

  let pointer: UnsafeMutablePointer<nl_instance>

  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<nl_instance>) { unsafe self.pointer = pointer }

  /// False before the constructor ran, or if it could not reserve the arena.
  @inline(__always)
  var isStarted: Bool { unsafe nl_load_u32(nl_instance_at_started(pointer)) == 1 }

  @inline(__always)
  func cache(_ index: Int) -> Cache { unsafe Cache(nl_instance_at_cache(pointer, index)) }

  /// The same cache as another node has it.
  @inline(__always)
  func cache(_ index: Int, node: Int) -> Cache { cache(node &* Int(NL_CACHES) &+ index) }

  /// Full, and empty, sheaves that a barn keeps.
  @inline(__always)
  var barnLimit: Int { unsafe Int(pointer.pointee.barn_limit) }

  @inline(__always)
  func zone(_ node: Int) -> Zone { unsafe Zone(nl_instance_at_zone(pointer, node)) }

  /// Frees of threads without a vCPU.
  @inline(__always)
  var deferred: DeferredList { unsafe DeferredList(nl_instance_at_deferred(pointer)) }
}
