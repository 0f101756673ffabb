import CPlatform

/// What the probe points of a subject built with `NOLOCK_PROBES` call: a place in the middle of the
/// allocator's own work, on whichever thread comes by.  One at a time.
enum ProbeHook {
  nonisolated(unsafe) private static var hook: (nl_probe_point) -> Void = { _ in }

  /// Runs `body` with `hook` in place.
  static func with(
    _ subject: Subject, _ hook: @escaping (nl_probe_point) -> Void, _ body: () -> Void
  ) {
    unsafe self.hook = hook
    let function: @convention(c) (UInt32) -> Void = {
      unsafe ProbeHook.hook(nl_probe_point(rawValue: $0))
    }
    let address = unsafe unsafeBitCast(function, to: UInt.self)
    guard subject.control("probe_hook", UInt64(address)) == 0 else { return }
    body()
    _ = subject.control("probe_hook", 0)
  }
}
