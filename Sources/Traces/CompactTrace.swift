import CRecords
import Foundation

/// The raw compact form (`trace.h`, `.nltrace`), mapped into memory: what a replay reads.
///
/// It keeps the streams, not the times: `trace show` says so.
@safe public struct CompactTrace: ~Copyable {
  public let path: String
  let header: CompactHeader
  private let map: UnsafeRawBufferPointer

  public var cpuCount: Int { Int(header.raw.cpu_count) }
  public var eventCount: Int { Int(header.raw.event_count) }
  public var allocationCount: UInt64 { header.raw.allocation_count }
  public var remoteFrees: UInt64 { header.raw.remote_frees }

  /// Maps and validates the whole file: magic, sizes, stream lengths, every event.
  ///
  /// - Throws: `TraceError` with the offset of the first wrong field or event.
  public static func open(_ path: String) throws -> CompactTrace {
    let map = try unsafe map(path)
    do {
      let header = unsafe CompactHeader(bytes: map)
      try header.validate(path: path, fileSize: map.count)
      _ = try unsafe decode(map, header: header, path: path)
      return unsafe CompactTrace(path: path, header: header, map: map)
    } catch {
      unsafe unmap(map)
      throw error
    }
  }

  private init(path: String, header: CompactHeader, map: UnsafeRawBufferPointer) {
    self.path = path
    self.header = header
    unsafe self.map = unsafe map
  }

  /// Maps a regular file of at least the header's size.
  private static func map(_ path: String) throws -> UnsafeRawBufferPointer {
    let descriptor = unsafe Foundation.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw TraceError(path, .file, "cannot be opened: \(InflatingReader.reason(errno))")
    }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw TraceError(path, .file, "cannot be mapped: not a regular file")
    }
    let size = Int(status.st_size)
    guard size >= CompactHeader.size else {
      throw TraceError(
        path, .file, "\(size) bytes; a compact trace has at least \(CompactHeader.size)")
    }
    guard let base = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe base != MAP_FAILED
    else {
      throw TraceError(path, .file, "cannot be mapped: \(InflatingReader.reason(errno))")
    }
    return unsafe UnsafeRawBufferPointer(start: base, count: size)
  }

  private static func unmap(_ map: UnsafeRawBufferPointer) {
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: map.baseAddress!), map.count)
  }

  deinit { unsafe Self.unmap(map) }

  /// The trace, checked event by event, without a timeline.
  public func trace() throws -> Trace {
    try unsafe Self.decode(map, header: header, path: path)
  }

  /// Decodes a raw compact trace out of an inflated file.
  static func decode(bytes: [UInt8], path: String) throws -> Trace {
    try unsafe bytes.withUnsafeBytes { bytes in
      guard bytes.count >= CompactHeader.size else {
        throw TraceError(
          path, .file, "\(bytes.count) bytes; a compact trace has at least \(CompactHeader.size)")
      }
      let header = unsafe CompactHeader(bytes: bytes)
      try header.validate(path: path, fileSize: bytes.count)
      return try unsafe decode(bytes, header: header, path: path)
    }
  }

  private static func decode(
    _ bytes: UnsafeRawBufferPointer, header: CompactHeader, path: String
  ) throws -> Trace {
    var offset = CompactHeader.size
    var streams: [[TraceEvent]] = []
    var begins: [Int] = []
    for cpu in 0..<Int(header.raw.cpu_count) {
      let count = Int(header.events(ofCPU: cpu))
      let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 8 * count])
      streams.append(
        (0..<count).map {
          TraceEvent(rawValue: unsafe part.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
        })
      begins.append(offset)
      offset += 8 * count
    }
    let check: StreamCheck
    do {
      check = try StreamCheck(streams, allocationCount: header.raw.allocation_count)
    } catch let fault as StreamFault {
      throw TraceError(
        path, .offset(begins[fault.cpu] + 8 * fault.event),
        "CPU \(fault.cpu), event \(fault.event): \(fault.problem)")
    }
    try header.validate(tally: check.tally, path: path)
    return Trace(
      source: .unknown, streams: streams, timeline: nil, counts: header.counts)
  }

  /// Writes the raw compact form under a temporary name and renames it.
  public static func write(_ trace: Trace, to path: String) throws {
    let header = CompactHeader(trace)
    try FileReplacement.write(to: path) { file in
      try file.append(header.bytes)
      for stream in trace.streams { try file.append(stream) }
    }
  }
}
