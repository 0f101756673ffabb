import Glibc

/// A pipe whose two ends are closed once each; both close on exec.
final class Pipe {
  private(set) var readEnd: Int32
  private(set) var writeEnd: Int32

  /// - Throws: `internalError` where no descriptor is left.
  init() throws(Failure) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      throw Failure(.internalError, "pipe: \(errorText(errno))")
    }
    // Not pipe2: Swift does not see it.  Only one thread here starts programs.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  /// Whether the read end is open and has not ended.
  var readable: Bool { readEnd >= 0 }

  func closeRead() {
    if readEnd >= 0 { close(readEnd) }
    readEnd = -1
  }

  func closeWrite() {
    if writeEnd >= 0 { close(writeEnd) }
    writeEnd = -1
  }

  func closeBoth() {
    closeRead()
    closeWrite()
  }

  /// Writes all of `bytes`.  A plan entry (10 KiB) fits into an empty pipe, so this never waits for
  /// the child; a child that is gone (EPIPE) shows by its own end.
  func write(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(writeEnd, buffer.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      done += count
    }
  }

  /// Takes what is there without waiting; closes the read end when the other side is closed.
  /// Beyond `limit` bytes the rest is read and dropped.
  func drain(into bytes: inout [UInt8], limit: Int) {
    guard readEnd >= 0 else { return }
    var polled = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&polled, 1, 0) > 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe read(readEnd, &buffer, buffer.count)
    if count > 0 {
      bytes.append(contentsOf: buffer.prefix(min(count, max(0, limit - bytes.count))))
    } else if count == 0 || errno != EINTR {
      closeRead()
    }
  }
}
