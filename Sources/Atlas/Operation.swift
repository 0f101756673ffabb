import CPlatform
import Subjects

/// An entry point that is counted and interrupted.
public enum Operation: String, CaseIterable, Sendable {
  case kmalloc
  case kmallocNolock = "kmalloc_nolock"
  case kfree
  case kfreeNolock = "kfree_nolock"
  case threadAttach = "thread_attach"
  case threadDetach = "thread_detach"
  case barrier

  public var allocates: Bool { self == .kmalloc || self == .kmallocNolock }
  public var frees: Bool { self == .kfree || self == .kfreeNolock }
  /// Whether it may run inside another call of the allocator.
  public var worksAnywhere: Bool { self == .kmallocNolock || self == .kfreeNolock }

  private typealias Release = (@convention(c) (UnsafeMutableRawPointer?) -> Void)?

  /// The call of this entry point of `subject`; `object` is what a free frees.
  func call(_ subject: Subject, size: Int, object: UnsafeMutableRawPointer?) -> nl_call {
    let ops = unsafe subject.ops.pointee
    var call = unsafe nl_call()
    unsafe call.size = size
    unsafe call.object = object
    switch self {
    case .kmalloc: unsafe call.allocate = ops.kmalloc
    case .kmallocNolock: unsafe call.allocate = ops.kmalloc_nolock
    case .kfree: unsafe call.release = ops.kfree
    case .kfreeNolock: unsafe call.release = ops.kfree_nolock
    // The argument that they do not have goes into a register that nobody reads.
    case .threadAttach: unsafe call.release = unsafeBitCast(ops.thread_attach, to: Release.self)
    case .threadDetach: unsafe call.release = unsafeBitCast(ops.thread_detach, to: Release.self)
    case .barrier: unsafe call.release = unsafeBitCast(ops.barrier, to: Release.self)
    }
    return unsafe call
  }
}
