import CPlatform
import Glibc
import Injection

/// mt: the other thread, which allocates, and frees objects of the interrupted one.
@safe struct TrialPartner {
  @safe struct Shared {
    var foreground: TrialForeground
    var stop = StopRequest()
    let processor: UInt32
  }

  private let shared: UnsafeMutablePointer<Shared>
  private let thread: HelperThread

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
    unsafe shared.initialize(to: Shared(foreground: second, processor: processor))
    let thread = unsafe HelperThread(stop: &shared.pointee.stop, shared) { argument in
      let shared = unsafe argument!.assumingMemoryBound(to: Shared.self)
      _ = unsafe nl_thread_pin(shared.pointee.processor)
      while unsafe !shared.pointee.stop.isMade() {
        unsafe shared.pointee.foreground.step(.mt)
      }
      unsafe shared.pointee.foreground.releaseAll()
      return nil
    }
    guard let thread else { return nil }
    self.thread = thread
  }

  /// Ends it; returns what it counted.
  func end() -> (allocated: UInt64, freed: UInt64) {
    thread.end()
    return unsafe (shared.pointee.foreground.allocated, shared.pointee.foreground.freed)
  }
}
