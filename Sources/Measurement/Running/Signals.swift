import Glibc

/// Ctrl-C without any handler: SIGINT and SIGTERM stay blocked and are looked for between two
/// steps, so no code runs at a moment when it must not.
public struct Signals: Sendable {
  /// Blocks SIGINT and SIGTERM in this thread and those it starts, and ignores SIGPIPE (a sample
  /// that dies before it reads its plan entry).
  ///
  /// - Context: before any other thread is started.
  public init() {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGINT)
    unsafe sigaddset(&set, SIGTERM)
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Whether SIGINT or SIGTERM has arrived.
  public var arrived: Bool {
    var pending = sigset_t()
    unsafe sigpending(&pending)
    return unsafe sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1
  }
}
