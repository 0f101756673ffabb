import Foundation
import Measurement

/// The allocated sections of a 64-bit little-endian ELF file: what of it is in memory.
public struct ObjectSections: Equatable, Sendable {
  struct Section: Equatable, Sendable {
    var name: String
    var type: UInt32
    var flags: UInt64
    var address: UInt64
    var size: UInt64
    /// Empty for a section without bytes in the file (.bss).
    var bytes: Data
  }

  let sections: [Section]

  /// - Throws: `sampleFailed` where the file is no such ELF file.
  public init(path: String) throws(Failure) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.sampleFailed, "\(path): cannot be read")
    }
    guard let sections = Self.read(data) else {
      throw Failure(.sampleFailed, "\(path): not a 64-bit ELF file")
    }
    self.sections = sections
  }

  /// Two builds are identical when all allocated sections but the build id are equal.
  public static func areIdentical(_ a: String, _ b: String) throws(Failure) -> Bool {
    try ObjectSections(path: a) == ObjectSections(path: b)
  }

  private static func read(_ data: Data) -> [Section]? {
    guard data.count >= 64, data.prefix(6) == Data([0x7f, 0x45, 0x4c, 0x46, 2, 1]) else {
      return nil
    }
    func number(_ at: Int, _ bytes: Int) -> UInt64? {
      guard at >= 0, at <= data.count - bytes else { return nil }
      return (0..<bytes).reduce(0) { $0 | UInt64(data[data.startIndex + at + $1]) << (8 * $1) }
    }
    func range(_ offset: UInt64, _ size: UInt64) -> Range<Int>? {
      guard offset <= data.count, size <= UInt64(data.count) - offset else { return nil }
      return data.startIndex + Int(offset)..<data.startIndex + Int(offset + size)
    }
    // Elf64_Ehdr: e_shoff 40, e_shentsize 58, e_shnum 60, e_shstrndx 62.
    guard let table = number(40, 8), table < data.count, number(58, 2) == 64,
      let count = number(60, 2), let names = number(62, 2), names < count,
      let namesAt = number(Int(table + names * 64) + 24, 8)
    else { return nil }
    var sections: [Section] = []
    for index in 0..<count {
      // Elf64_Shdr: name 0, type 4, flags 8, addr 16, offset 24, size 32.
      let at = Int(table + index * 64)
      guard let nameAt = number(at, 4), let type = number(at + 4, 4),
        let flags = number(at + 8, 8), let address = number(at + 16, 8),
        let offset = number(at + 24, 8), let size = number(at + 32, 8),
        namesAt + nameAt < data.count
      else { return nil }
      guard flags & 2 != 0 else { continue }
      let tail = data[(data.startIndex + Int(namesAt + nameAt))...].prefix { $0 != 0 }
      let name = String(decoding: tail, as: UTF8.self)
      // .swift_modhash is a hash of the compiler's arguments, the folder among them; nothing reads
      // it.
      if name == ".note.gnu.build-id" || name == ".swift_modhash" { continue }
      // SHT_NOBITS is 8.
      let bytes: Data
      if type == 8 {
        bytes = Data()
      } else {
        guard let range = range(offset, size) else { return nil }
        bytes = Data(data[range])
      }
      sections.append(
        Section(
          name: name, type: UInt32(type), flags: flags, address: address, size: size,
          bytes: bytes))
    }
    return sections
  }
}
