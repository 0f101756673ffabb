import Glibc

/// Files of /proc and /sys.
enum KernelFile {
  /// The whole text, read to its end; `nil` iff the file cannot be opened or read.
  ///
  /// Not Foundation: it takes one `read` for such a file, whose size is 0, and cuts /proc/slabinfo
  /// after its first page.
  static func text(_ path: String) -> String? {
    (try? bytes(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// All bytes of a file.
  ///
  /// - Throws: the system's reason, without the path.
  static func bytes(_ path: String) throws(RecordError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RecordError(text: errorText(errno)) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw RecordError(text: errorText(errno)) }
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer.prefix(count))
    }
  }
}
