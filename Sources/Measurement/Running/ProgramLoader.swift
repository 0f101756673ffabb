import Foundation

/// The dynamic loader that a program asks for.
///
/// A sample is started through it, so that the program lies beside its libraries.  Started by itself
/// it would lie terabytes away from them, where each call of a library and each return cost more: on
/// Zen 5 0.65 ns a call, which peers and revisions would pay and built-in subjects would not.
enum ProgramLoader {
  /// The path in the program's PT_INTERP; nil where it has none (a static program) or where the file
  /// is not a 64-bit ELF file of this machine's byte order.
  static func path(of program: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: program) else { return nil }
    defer { try? file.close() }
    guard let header = try? file.read(upToCount: 64), header.count == 64,
      header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
    else { return nil }
    // Elf64_Ehdr and Elf64_Phdr: elf(5).
    let start: UInt64 = header.integer(at: 32)
    let entry: UInt16 = header.integer(at: 54)
    let count: UInt16 = header.integer(at: 56)
    guard entry >= 56, let table = file.read(at: start, Int(entry) * Int(count)) else { return nil }
    for index in 0..<Int(count) {
      let at = index * Int(entry)
      guard table.integer(at: at) as UInt32 == interpreter else { continue }
      let size: UInt64 = table.integer(at: at + 32)
      guard size > 1, size <= 4096,
        let text = file.read(at: table.integer(at: at + 8), Int(size))
      else { return nil }
      return String(decoding: text.dropLast(), as: UTF8.self)
    }
    return nil
  }

  /// PT_INTERP.
  private static let interpreter: UInt32 = 3
}

extension FileHandle {
  fileprivate func read(at offset: UInt64, _ count: Int) -> Data? {
    guard (try? seek(toOffset: offset)) != nil, let data = try? read(upToCount: count) else {
      return nil
    }
    return data.count == count ? data : nil
  }
}

extension Data {
  /// A little-endian integer, `offset` bytes from the start.
  fileprivate func integer<I: FixedWidthInteger>(at offset: Int) -> I {
    var value: I = 0
    for byte in self[startIndex + offset..<startIndex + offset + MemoryLayout<I>.size].reversed() {
      value = value << 8 | I(byte)
    }
    return value
  }
}
