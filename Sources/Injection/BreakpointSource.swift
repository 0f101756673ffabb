import CPlatform

/// The functions that `breakpoint` interrupts at: as many as x86 has slots.
public struct Breakpoints: Sendable {
  public static let slots = 4
  /// Addresses; 0 is none.
  var addresses: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  public init() {}

  /// nil for more addresses than there are slots.
  public init?(_ list: [UInt]) {
    guard list.count <= Self.slots else { return nil }
    let all = list.map(UInt64.init) + [UInt64](repeating: 0, count: Self.slots - list.count)
    addresses = (all[0], all[1], all[2], all[3])
  }
}

/// A perf hardware breakpoint with sigtrap: the userspace kprobe.  It counts for its own thread.
struct BreakpointSource {
  private let functions: Breakpoints
  private var files: (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)

  init(_ functions: Breakpoints) { self.functions = functions }

  mutating func open() -> Int32 {
    let wanted = functions.addresses
    for (address, file) in [
      (wanted.0, \BreakpointSource.files.0), (wanted.1, \.files.1), (wanted.2, \.files.2),
      (wanted.3, \.files.3),
    ] where address != 0 {
      self[keyPath: file] = nl_perf_open_breakpoint(address)
      if self[keyPath: file] < 0 { return -self[keyPath: file] }
    }
    return 0
  }

  func arm() { each(nl_perf_enable) }
  func disarm() { each(nl_perf_disable) }
  func close() { each(nl_perf_close) }

  private func each(_ body: (Int32) -> Void) {
    if files.0 >= 0 { body(files.0) }
    if files.1 >= 0 { body(files.1) }
    if files.2 >= 0 { body(files.2) }
    if files.3 >= 0 { body(files.3) }
  }
}
