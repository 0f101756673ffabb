import Foundation

/// Writes a file whole or not at all: to a temporary name beside it, then renamed.
public enum AtomicFile {
  /// - Throws: `notPermitted` with the path and the system's reason.
  public static func write(_ bytes: Data, to path: String) throws(Failure) {
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure(.notPermitted, "\(path): \(errorText(errno))") }
    var error: Int32 = 0
    var done = 0
    while done < bytes.count && error == 0 {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(
          descriptor, buffer.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if count > 0 { done += count } else if errno != EINTR { error = errno }
    }
    if close(descriptor) != 0 && error == 0 { error = errno }
    if error == 0 {
      let renamed = unsafe rename(temporary, path)
      if renamed != 0 { error = errno }
    }
    if error != 0 {
      unsafe unlink(temporary)
      throw Failure(.notPermitted, "\(path): \(errorText(error))")
    }
  }

  /// Text as UTF-8.
  public static func write(_ text: String, to path: String) throws(Failure) {
    try write(Data(text.utf8), to: path)
  }

  /// JSON with sorted keys; a NaN or an infinity is an error, not a value.
  public static func write<T: Encodable>(json value: T, to path: String) throws(Failure) {
    try write(jsonData(value), to: path)
  }
}

/// Readable JSON: sorted keys, two spaces, a line break at the end.
///
/// - Throws: `internalError` where a value cannot be expressed (NaN, infinity).
public func jsonData<T: Encodable>(_ value: T) throws(Failure) -> Data {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  do {
    return try encoder.encode(value) + Data("\n".utf8)
  } catch {
    throw Failure(.internalError, "cannot be written as JSON: \(error)")
  }
}
