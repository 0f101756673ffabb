import CZlib
import Foundation

/// A file written under a temporary name in the same folder and renamed when whole, so that no
/// reader ever sees a part of it.
@safe struct FileReplacement: ~Copyable {
  private let path: String
  private let file: gzFile

  /// Creates `path` out of what `body` appends: gzip at the best level, or plain bytes.
  ///
  /// - Throws: `TraceError` or what `body` throws; then nothing is left behind.
  static func write(
    to path: String, compressed: Bool = false,
    _ body: (borrowing FileReplacement) throws -> Void
  ) throws {
    let temporary = "\(path).\(getpid()).part"
    // zlib's mode T writes plain bytes.
    guard let file = unsafe gzopen(temporary, compressed ? "wb9" : "wbT") else {
      throw TraceError(path, .file, "cannot be written: \(InflatingReader.reason(errno))")
    }
    do {
      try body(unsafe FileReplacement(path: path, file: file))
    } catch {
      unsafe gzclose_w(file)
      _ = unsafe unlink(temporary)
      throw error
    }
    let code = unsafe gzclose_w(file)
    guard code == Z_OK, unsafe rename(temporary, path) == 0 else {
      let reason = InflatingReader.reason(errno)
      _ = unsafe unlink(temporary)
      throw TraceError(path, .file, "cannot be written: \(reason)")
    }
  }

  private init(path: String, file: gzFile) {
    self.path = path
    unsafe self.file = unsafe file
  }

  func append(_ bytes: [UInt8]) throws {
    try unsafe bytes.withUnsafeBytes { unsafe try append($0) }
  }

  func append(_ events: [TraceEvent]) throws {
    try unsafe events.withUnsafeBytes { unsafe try append($0) }
  }

  private func append(_ bytes: UnsafeRawBufferPointer) throws {
    var at = 0
    while at < bytes.count {
      let part = min(bytes.count - at, 1 << 30)
      guard unsafe gzwrite(file, bytes.baseAddress! + at, UInt32(part)) == part else {
        throw TraceError(path, .file, "cannot be written: \(InflatingReader.reason(errno))")
      }
      at += part
    }
  }
}
