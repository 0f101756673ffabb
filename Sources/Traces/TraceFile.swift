import Foundation

/// Any file that holds a trace: text, raw compact or archive, plain or gzip; the content decides.
public enum TraceFile {
  /// - Throws: `TraceError`.
  public static func read(_ path: String) throws -> Trace {
    var reader = try InflatingReader(path: path)
    let magic = try reader.peek(8)
    if magic == TraceArchive.magic {
      return try TraceArchive.decode(reader.readAll(), path: path)
    }
    if magic == CompactHeader.magicBytes {
      return try CompactTrace.decode(bytes: reader.readAll(), path: path)
    }
    return try TraceText.parse(&reader)
  }

  /// Writes the archive form if `path` ends in `.gz` (by custom `.nltrace.gz`), else the raw
  /// compact form (`.nltrace`); under a temporary name first.
  public static func write(_ trace: Trace, to path: String) throws {
    guard path.hasSuffix(".gz") else { return try CompactTrace.write(trace, to: path) }
    let bytes = TraceArchive.encode(trace)
    try FileReplacement.write(to: path, compressed: true) { try $0.append(bytes) }
  }

  /// The path of a raw compact file with the content of `path`, to be mapped by a replay.
  ///
  /// A raw file is its own expansion.  Any other form is expanded once into `cacheFolder`, which is
  /// made if missing, under a name that carries the hash of the file's bytes.
  ///
  /// - Throws: `TraceError`; the file returned was validated in whole.
  public static func expanded(_ path: String, cacheFolder: String) throws -> String {
    guard let content = FileManager.default.contents(atPath: path) else {
      // Only to find out why.
      _ = try InflatingReader(path: path)
      throw TraceError(path, .file, "cannot be read: not a regular file")
    }
    if content.prefix(8).elementsEqual(CompactHeader.magicBytes) {
      _ = try CompactTrace.open(path)
      return path
    }
    do {
      try FileManager.default.createDirectory(
        atPath: cacheFolder, withIntermediateDirectories: true)
    } catch {
      throw TraceError(cacheFolder, .file, "cannot be made: \(error.localizedDescription)")
    }
    let stem = (path as NSString).lastPathComponent.split(separator: ".").first ?? "trace"
    let target = (cacheFolder as NSString).appendingPathComponent(
      "\(stem)-\(hash(content)).nltrace")
    if FileManager.default.fileExists(atPath: target), (try? CompactTrace.open(target)) != nil {
      return target
    }
    try CompactTrace.write(read(path), to: target)
    return target
  }

  /// FNV-1a, 64 bits: names a cache entry, guards against accidents only.
  private static func hash(_ content: Data) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in content { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
