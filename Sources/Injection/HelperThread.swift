import CPlatform
import Glibc

/// By what a thread is asked to end.  In memory that outlives the thread.
@safe public struct StopRequest {
  private var word: UInt32 = 0

  public init() {}

  /// Whether it was made; asked by the thread between two rounds of its loop.
  public mutating func isMade() -> Bool {
    // Pairs with the release in `make`.
    unsafe nl_thread_load_acquire_32(&word) == 1
  }

  mutating func make() { unsafe nl_thread_store_release_32(&word, 1) }
}

/// A thread beside the measured ones, which goes on until it is asked to end: a storm's sender, a
/// trial's partner.  A raw pthread; whoever starts it owns all memory, because not every subject
/// would live through an allocation here.
@safe public struct HelperThread {
  private var thread = pthread_t()
  private let stop: UnsafeMutablePointer<StopRequest>

  /// Starts `body` with `argument`.  nil with errno if there is no thread.
  ///
  /// - Parameter stop: what `body` looks at; valid, as `argument`, until `end()` has returned.
  public init?(
    stop: UnsafeMutablePointer<StopRequest>, _ argument: UnsafeMutableRawPointer,
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
  ) {
    unsafe self.stop = unsafe stop
    let error = unsafe pthread_create(&thread, nil, body, argument)
    guard error == 0 else {
      errno = error
      return nil
    }
  }

  /// Asks it to end and waits until it has; once.
  public func end() {
    unsafe stop.pointee.make()
    pthread_join(thread, nil)
  }
}
