import Foundation

/// Records kernel allocation events through tracefs, in an instance of its own, so that nobody
/// else's tracing is touched.  Each event carries the context it came from.
public struct TracefsRecorder {
  /// Where tracefs is mounted, by custom.
  public static let mounts = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
  /// kmalloc and kfree; with `caches` those of the other caches too.  A kernel lacks some.
  static func events(caches: Bool) -> [String] {
    ["kmalloc", "kmalloc_node", "kfree"]
      + (caches ? ["kmem_cache_alloc", "kmem_cache_alloc_node", "kmem_cache_free"] : [])
  }

  public let instance: String

  /// Makes the instance and sets it up; nothing is recorded yet.
  ///
  /// - Parameters:
  ///   - mount: the folder of tracefs.
  ///   - bufferKilobytes: of each CPU.
  /// - Throws: `TraceError` with the file, the system's reason and what to do; then no instance is
  ///   left behind.
  public init(mount: String, bufferKilobytes: Int, caches: Bool) throws(TraceError) {
    instance = mount + "/instances/nolock-\(getpid())"
    guard unsafe access(mount + "/events", F_OK) == 0 else {
      let error = errno
      let todo = error == EACCES ? "run as root" : "mount -t tracefs tracefs \(mount)"
      throw TraceError(mount + "/events", .file, "\(Self.reason(error)): \(todo)")
    }
    guard unsafe mkdir(instance, 0o700) == 0 else {
      throw TraceError(instance, .file, "\(Self.reason(errno)): run as root")
    }
    do throws(TraceError) {
      let present = Self.events(caches: caches).filter {
        unsafe access("\(instance)/events/kmem/\($0)/enable", F_OK) == 0
      }
      guard present.contains("kmalloc"), present.contains("kfree") else {
        throw TraceError(
          instance + "/events/kmem", .file, "no events kmalloc and kfree: a kernel without them")
      }
      try set("tracing_on", "0")
      // One clock for all CPUs: frees must come behind their allocations.
      try set("trace_clock", "mono")
      try set("buffer_size_kb", "\(bufferKilobytes)")
      // What comes after a full buffer is lost, not what came first.
      try set("options/overwrite", "0")
      try set("options/irq-info", "1")
      // Hashed pointers may collide; not every kernel has the option for an instance.
      try? set("options/hash-ptr", "0")
      for event in present { try set("events/kmem/\(event)/enable", "1") }
    } catch {
      remove()
      throw error
    }
  }

  public func start() throws(TraceError) { try set("tracing_on", "1") }
  public func stop() throws(TraceError) { try set("tracing_on", "0") }

  /// What was recorded; the events that the buffers had no room for are in its counts.
  ///
  /// - Throws: `TraceError`, also where no allocation was recorded.
  public func read() throws -> Trace {
    try TraceText.parse(instance + "/trace", lost: lost())
  }

  /// Removes the instance.
  public func remove() {
    try? set("tracing_on", "0")
    _ = unsafe rmdir(instance)
  }

  private func lost() -> UInt64 {
    let cpus = (try? FileManager.default.contentsOfDirectory(atPath: instance + "/per_cpu")) ?? []
    var sum: UInt64 = 0
    for cpu in cpus {
      let text = try? String(contentsOfFile: "\(instance)/per_cpu/\(cpu)/stats", encoding: .utf8)
      for line in (text ?? "").split(separator: "\n")
      where line.hasPrefix("overrun:") || line.hasPrefix("dropped events:") {
        sum += line.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
      }
    }
    return sum
  }

  private func set(_ file: String, _ value: String) throws(TraceError) {
    let path = instance + "/" + file
    let descriptor = unsafe open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
    guard descriptor >= 0 else { throw TraceError(path, .file, Self.reason(errno)) }
    defer { close(descriptor) }
    let bytes = Array(value.utf8)
    let written = unsafe bytes.withUnsafeBytes {
      unsafe write(descriptor, $0.baseAddress, $0.count)
    }
    guard written == bytes.count else {
      throw TraceError(path, .file, "'\(value)' is refused: \(Self.reason(errno))")
    }
  }

  private static func reason(_ error: Int32) -> String {
    let names = [
      EACCES: "EACCES", EPERM: "EPERM", ENOENT: "ENOENT", EROFS: "EROFS", ENOTDIR: "ENOTDIR",
      EINVAL: "EINVAL", ENOMEM: "ENOMEM", ENODEV: "ENODEV", EBUSY: "EBUSY",
    ]
    let text = unsafe String(cString: strerror(error))
    return (names[error].map { $0 + ", " } ?? "") + text
  }
}
