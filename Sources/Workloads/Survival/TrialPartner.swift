import CPlatform
import Glibc

/// mt: the other thread, which allocates, and frees objects of the interrupted one.
@safe struct TrialPartner {
  @safe struct Shared {
    var foreground: TrialForeground
    /// 1 asks the thread to end.
    var stop: UInt32 = 0
    let processor: UInt32
    let toPartner: UnsafeMutablePointer<ShadowRing>
    let fromPartner: UnsafeMutablePointer<ShadowRing>
  }

  private let shared: UnsafeMutablePointer<Shared>
  private var thread = pthread_t()

  /// Starts it and connects it with `first`.  nil with errno if there is no thread.
  init?(
    _ state: UnsafeMutablePointer<TrialState>, _ first: inout TrialForeground, processor: UInt32,
    seed: UInt64
  ) {
    let there = unsafe mapped(ShadowRing.self, count: 1)
    let back = unsafe mapped(ShadowRing.self, count: 1)
    unsafe there.initialize(to: ShadowRing())
    unsafe back.initialize(to: ShadowRing())
    unsafe first.outgoing = there
    unsafe first.incoming = back
    unsafe shared = unsafe mapped(Shared.self, count: 1)
    var second = unsafe TrialForeground(state, small: false, isInterrupted: false, seed: seed)
    unsafe second.outgoing = back
    unsafe second.incoming = there
    unsafe shared.initialize(
      to: Shared(
        foreground: second, processor: processor, toPartner: there, fromPartner: back))
    let error = unsafe pthread_create(
      &thread, nil,
      { argument in
        let shared = unsafe argument!.assumingMemoryBound(to: Shared.self)
        _ = unsafe nl_thread_pin(shared.pointee.processor)
        // Pairs with the release in `end`.
        while unsafe nl_thread_load_acquire_32(&shared.pointee.stop) == 0 {
          unsafe shared.pointee.foreground.step(.mt)
        }
        unsafe shared.pointee.foreground.releaseAll()
        return nil
      }, unsafe shared)
    guard error == 0 else {
      errno = error
      return nil
    }
  }

  /// Ends it; returns what it counted.
  func end() -> (allocated: UInt64, freed: UInt64) {
    unsafe nl_thread_store_release_32(&shared.pointee.stop, 1)
    pthread_join(thread, nil)
    return unsafe (shared.pointee.foreground.allocated, shared.pointee.foreground.freed)
  }
}
