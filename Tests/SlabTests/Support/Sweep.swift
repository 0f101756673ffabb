import CNolock
import CSweep

/// One call interrupted at its instruction boundaries (Tests/CSweep), with addresses for pointers.
@safe
struct Sweep {
  private let state: UnsafeMutablePointer<sweep>

  /// - Parameter size: bytes, of the operation's object and of the handler's.
  init(_ subject: Subject, size: Int, gfp: UInt32 = 0) {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: sweep())
    unsafe state.pointee.ops = subject.ops
    unsafe state.pointee.size = size
    unsafe state.pointee.gfp = gfp
  }

  /// Frees what the handler holds; the sweep cannot be used afterwards.
  func end() -> (allocated: Int, freed: Int) {
    unsafe sweep_release(state)
    let books = unsafe (allocated: state.pointee.allocated, freed: state.pointee.freed)
    unsafe state.deallocate()
    return books
  }

  /// What the handler declares before it calls the allocator.
  func declare(_ context: nolock_context) { unsafe state.pointee.context = context.rawValue }

  /// The one boundary at which the handler works; 0 for all.
  func workOnly(at boundary: Int) { unsafe state.pointee.only = boundary }

  func allocate() -> UInt { unsafe UInt(bitPattern: sweep_allocate(state)) }
  func free(_ object: UInt) {
    unsafe sweep_free(state, UnsafeMutableRawPointer(bitPattern: object)!)
  }
  func addForeign(_ count: Int32) { _ = unsafe sweep_add_foreign(state, count) }

  /// Interrupts one call; what an allocation returned, else 0.
  @discardableResult
  func run(_ operation: sweep_operation, _ object: UInt = 0) -> UInt {
    unsafe UInt(
      bitPattern: sweep_run(state, operation, UnsafeMutableRawPointer(bitPattern: object)))
  }

  var boundaries: Int { unsafe state.pointee.boundaries }
  var handlerRuns: Int { unsafe state.pointee.handler_runs }
  var handlerAllocated: Int { unsafe state.pointee.handler_allocated }
  var handlerNull: Int { unsafe state.pointee.handler_null }
  var violations: Int { unsafe state.pointee.violations }
}

extension Subject {
  /// Exact instructions of a call, and the locked ones among them when `locked`.
  func count(
    _ operation: sweep_operation, size: Int, gfp: UInt32 = 0, _ object: inout UInt,
    locked: Bool = false
  ) -> Int {
    var pointer = unsafe UnsafeMutableRawPointer(bitPattern: object)
    let count =
      unsafe locked
      ? sweep_count_locked(ops, operation, size, gfp, &pointer)
      : sweep_count(ops, operation, size, gfp, &pointer)
    object = UInt(bitPattern: pointer)
    return count
  }
}
