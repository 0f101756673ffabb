import CZlib
import Foundation

/// Reads a plain or gzip file (zlib decides by the magic bytes) in large chunks, as lines or whole.
///
/// Also reads pipes: the file is opened once and never sought in.
@safe struct InflatingReader: ~Copyable {
  private static let chunk = 1 << 20
  private static let longestLine = 1 << 20

  let path: String
  private let file: gzFile
  /// Bytes read and not yet handed out: `buffer[begin ..< end]`.
  private var buffer = [UInt8](repeating: 0, count: chunk)
  private var begin = 0
  private var end = 0
  private var atEnd = false

  /// - Throws: `TraceError` iff the file cannot be opened.
  init(path: String) throws {
    guard let file = unsafe gzopen(path, "rb") else {
      throw TraceError(path, .file, "cannot be opened: \(Self.reason(errno))")
    }
    unsafe gzbuffer(file, 256 << 10)
    self.path = path
    unsafe self.file = unsafe file
  }

  deinit { unsafe gzclose_r(file) }

  /// The first bytes of the content, at most `count` of them; hands nothing out.
  mutating func peek(_ count: Int) throws -> [UInt8] {
    while end - begin < count, !atEnd { try fill() }
    return Array(buffer[begin..<min(end, begin + count)])
  }

  /// Calls `body` with (line from 1, its bytes without the line end) for every line.
  mutating func forEachLine(_ body: (Int, Bytes) throws -> Void) throws {
    var line = 0
    while true {
      let (first, last) = (begin, end)
      begin = try unsafe buffer.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return first }
        let bytes = unsafe Bytes(base, count: last)
        var at = first
        while let newline = bytes.firstIndex(of: .newline, from: at) {
          line += 1
          try body(line, Self.withoutReturn(bytes[at..<newline]))
          at = newline + 1
        }
        if atEnd, at < last {
          line += 1
          try body(line, Self.withoutReturn(bytes[at..<last]))
          at = last
        }
        return at
      }
      if atEnd { return }
      guard end - begin < Self.longestLine else {
        throw TraceError(path, .line(line + 1), "a line longer than 1 MiB: this is no trace text")
      }
      try fill()
    }
  }

  /// Everything that was not yet handed out.
  mutating func readAll() throws -> [UInt8] {
    while !atEnd { try fill() }
    defer { begin = end }
    return Array(buffer[begin..<end])
  }

  /// Reads one more chunk behind the bytes not yet handed out.
  private mutating func fill() throws {
    if begin > 0 {
      buffer.removeSubrange(0..<begin)
      end -= begin
      begin = 0
    }
    if buffer.count < end + Self.chunk {
      buffer.append(
        contentsOf: repeatElement(0, count: max(end, end + Self.chunk - buffer.count)))
    }
    let (position, room) = (end, Self.chunk)
    let got = unsafe buffer.withUnsafeMutableBytes {
      unsafe gzread(file, $0.baseAddress! + position, UInt32(room))
    }
    var code: Int32 = Z_OK
    let message = unsafe gzerror(file, &code)
    // gzread returns what it has before it reports a file that ends within its gzip stream.
    guard got >= 0, code == Z_OK || code == Z_STREAM_END else {
      if code == Z_BUF_ERROR {
        throw TraceError(path, .file, "truncated: the file ends within its gzip data")
      }
      let text =
        code == Z_ERRNO
        ? Self.reason(errno)
        : unsafe message.map { unsafe String(cString: $0) } ?? "zlib error \(code)"
      throw TraceError(path, .file, "cannot be read: \(text)")
    }
    end += Int(got)
    atEnd = got < room
  }

  private static func withoutReturn(_ line: Bytes) -> Bytes {
    line.count > 0 && line[line.count - 1] == .carriageReturn ? line[0..<line.count - 1] : line
  }

  static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
