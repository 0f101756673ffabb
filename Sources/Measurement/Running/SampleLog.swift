import Foundation

/// `samples.jsonl`, the one file that grows: one `write` with O_APPEND per record.
public final class SampleLog {
  public static let fileName = "samples.jsonl"
  private let descriptor: Int32
  private let path: String

  /// Opens the file for appending.  A torn last line (a run that was killed) is cut off first.
  ///
  /// - Throws: `notPermitted` where the file cannot be opened.
  public init(directory: String) throws(Failure) {
    path = directory + "/" + Self.fileName
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure(.notPermitted, "\(path): \(errorText(errno))") }
    if let data = try? Data(contentsOf: URL(fileURLWithPath: path)), data.last != nil,
      data.last != UInt8(ascii: "\n")
    {
      let whole = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      guard ftruncate(descriptor, off_t(whole)) == 0 else {
        throw Failure(.notPermitted, "\(path): \(errorText(errno))")
      }
    }
  }

  deinit { close(descriptor) }

  /// Appends one record.
  ///
  /// - Throws: `notPermitted` where not all of it could be written (disk full).
  public func append(_ sample: Sample) throws(Failure) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard var line = try? encoder.encode(sample) else {
      throw Failure(.internalError, "a sample of \(sample.cell) cannot be written as JSON")
    }
    line.append(UInt8(ascii: "\n"))
    let written = unsafe line.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    guard written == line.count else {
      throw Failure(.notPermitted, "\(path): \(written < 0 ? errorText(errno) : "disk full")")
    }
  }

  /// Reads all whole records; a last line without its line break is dropped.
  ///
  /// - Throws: `notFound` where the file cannot be read, `usage` with the line where a whole line
  ///   is not a record.
  public static func read(directory: String) throws(Failure) -> [Sample] {
    let path = directory + "/" + fileName
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read")
    }
    let decoder = JSONDecoder()
    var samples: [Sample] = []
    var start = data.startIndex
    var number = 1
    while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
      guard let sample = try? decoder.decode(Sample.self, from: data[start..<end]),
        sample.schema == Sample.schema
      else {
        throw Failure(
          .usage, "\(path):\(number): not a sample record of schema \(Sample.schema)")
      }
      samples.append(sample)
      start = end + 1
      number += 1
    }
    return samples
  }
}
