public import CPlatform
import Glibc

/// How a group opens and reads its events.  The kernel's calls, unless a test brings an error that
/// no machine can be made to give (EINTR, EMFILE, a multiplexing ratio).
@safe public struct PerfLayer {
  /// `nl_perf_counter_open`: the descriptor, or -errno.
  let open: @convention(c) (UnsafePointer<nl_perf_event>, Int32) -> Int32
  /// `nl_perf_counter_read`: bytes, or -errno.
  let read: @convention(c) (Int32, UnsafeMutablePointer<UInt64>, UInt64) -> Int64

  public init(
    open: @escaping @convention(c) (UnsafePointer<nl_perf_event>, Int32) -> Int32,
    read: @escaping @convention(c) (Int32, UnsafeMutablePointer<UInt64>, UInt64) -> Int64
  ) {
    unsafe self.open = unsafe open
    unsafe self.read = unsafe read
  }

  /// perf_event_open(2) and read(2).
  public static var kernel: PerfLayer {
    unsafe PerfLayer(
      open: { event, group in unsafe nl_perf_counter_open(event, group) },
      read: { file, words, bytes in unsafe nl_perf_counter_read(file, words, bytes) })
  }
}

/// What a group showed at one instant.  Times in nanoseconds, never decreasing.
public struct CounterReading {
  public var timeEnabled: UInt64 = 0
  /// Below `timeEnabled` where the PMU had no room for the group all the time.
  public var timeRunning: UInt64 = 0
  public var values = InlineArray<8, UInt64>(repeating: 0)
  /// Read by rdpmc, without a system call.
  public var byRdpmc = false

  public init() {}
}

/// Events of the calling thread that are counted over the same time, or not at all.
///
/// Opened, read and closed by the thread that is counted: an event belongs to the thread that opens
/// it, and another thread's read would count the wrong one.
@safe public struct CounterGroup {
  public static let capacity = 8
  private let layer: PerfLayer
  private var files = InlineArray<8, Int32>(repeating: -1)
  private var pages = unsafe InlineArray<8, UnsafeMutableRawPointer?>(repeating: nil)
  /// Events that are open; they are numbered in the order they were added.
  public private(set) var count = 0

  public init(_ layer: PerfLayer = .kernel) { self.layer = layer }

  /// Adds an event.  0, or errno: EINVAL or ENOSPC where the PMU has no slot left for it in this
  /// group, ENOENT where the machine has no such event.  The group goes on without it.
  public mutating func add(_ event: nl_perf_event) -> Int32 {
    guard count < Self.capacity else { return ENOSPC }
    var event = event
    var file = unsafe layer.open(&event, count == 0 ? -1 : files[0])
    while file == -EINTR { file = unsafe layer.open(&event, count == 0 ? -1 : files[0]) }
    guard file >= 0 else { return -file }
    files[count] = file
    unsafe pages[count] = unsafe nl_perf_page_map(file)
    count += 1
    return 0
  }

  public func enable() { if count != 0 { nl_perf_counter_enable(files[0]) } }
  public func disable() { if count != 0 { nl_perf_counter_disable(files[0]) } }

  /// Reads all events at once: by rdpmc where the kernel allows it for each, else by one read(2).
  ///
  /// 0, or errno; EIO for an answer of the wrong length.
  public func read(into reading: inout CounterReading) -> Int32 {
    guard count != 0 else { return 0 }
    if readPages(&reading) { return 0 }
    reading.byRdpmc = false
    var words = InlineArray<11, UInt64>(repeating: 0)
    let wanted = UInt64(8 * (3 + count))
    var result: Int64
    repeat {
      var span = words.mutableSpan
      result = unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe layer.read(files[0], buffer.baseAddress.unsafelyUnwrapped, wanted)
      }
    } while result == -Int64(EINTR)
    if result < 0 { return Int32(truncatingIfNeeded: -result) }
    guard result == Int64(wanted), words[0] == UInt64(count) else { return EIO }
    reading.timeEnabled = words[1]
    reading.timeRunning = words[2]
    for index in 0..<count { reading.values[index] = words[3 &+ index] }
    return 0
  }

  private func readPages(_ reading: inout CounterReading) -> Bool {
    var value = nl_perf_value()
    for index in 0..<count {
      guard let page = unsafe pages[index], unsafe nl_perf_page_read(page, &value) != 0 else {
        return false
      }
      reading.values[index] = value.value
    }
    reading.timeEnabled = value.enabled
    reading.timeRunning = value.running
    reading.byRdpmc = true
    return true
  }

  public mutating func close() {
    for index in 0..<count {
      unsafe nl_perf_page_unmap(pages[index])
      unsafe pages[index] = nil
      _ = Glibc.close(files[index])
      files[index] = -1
    }
    count = 0
  }
}
