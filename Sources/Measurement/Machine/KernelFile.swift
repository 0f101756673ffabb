import Glibc

/// Files of /proc and /sys.
enum KernelFile {
  /// The whole text, read to its end; `nil` iff the file cannot be opened or read.
  ///
  /// Not Foundation: it takes one `read` for such a file, whose size is 0, and cuts /proc/slabinfo
  /// after its first page.
  static func text(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(contentsOf: buffer.prefix(count))
    }
  }
}
