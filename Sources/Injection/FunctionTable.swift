import Glibc

/// The functions of an ELF object, by its `.symtab` and, where it was stripped, its `.dynsym`; empty
/// where the file cannot be read.
///
/// Source: System V ABI, ELF-64 object file format.
public struct FunctionTable {
  public struct Function: Sendable {
    /// Offset in the object's image.
    public var address: UInt64
    public var size: UInt64
    /// As the linker knows it.
    public var symbol: String
  }

  /// By address.
  public private(set) var functions: [Function] = []

  public init(path: String) {
    let file = MappedFile(path)
    guard file.count > 64, file.word(0, 4) == 0x464c_457f, file.word(4, 1) == 2 else { return }
    for wanted in [2, 11] as [UInt64] where functions.isEmpty {  // SHT_SYMTAB, SHT_DYNSYM
      read(file, kind: wanted)
    }
    functions.sort { ($0.address, $0.symbol) < ($1.address, $1.symbol) }
    file.close()
  }

  private mutating func read(_ file: MappedFile, kind: UInt64) {
    let sectionAt = Int(file.word(0x28, 8))
    let sectionBytes = Int(file.word(0x3a, 2))
    for index in 0..<Int(file.word(0x3c, 2)) {
      let header = sectionAt + index * sectionBytes
      guard file.word(header + 4, 4) == kind else { continue }
      let strings = sectionAt + Int(file.word(header + 40, 4)) * sectionBytes
      let names = Int(file.word(strings + 24, 8))
      let start = Int(file.word(header + 24, 8))
      let end = min(file.count, start + Int(file.word(header + 32, 8)))
      for at in stride(from: start, to: end, by: 24) {
        // STT_FUNC with an address.
        guard file.word(at + 4, 1) & 0xf == 2, file.word(at + 8, 8) != 0 else {
          continue
        }
        functions.append(
          Function(
            address: file.word(at + 8, 8), size: file.word(at + 16, 8),
            symbol: file.text(names + Int(file.word(at, 4)))))
      }
    }
  }

  /// The function that holds `address`, readable, and the bytes from its start.
  public func find(_ address: UInt64) -> (name: String, offset: UInt64)? {
    var low = 0
    var high = functions.count
    while low < high {
      let middle = (low + high) / 2
      if functions[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let function = functions[low - 1]
    guard address - function.address < max(function.size, 1) else { return nil }
    return (readableName(function.symbol), address - function.address)
  }
}

/// A file in memory, read-only; words outside it are 0.
@safe private struct MappedFile {
  let bytes: UnsafeMutableRawPointer?
  let count: Int

  init(_ path: String) {
    var length = 0
    var address: UnsafeMutableRawPointer? = nil
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    if file >= 0 {
      length = Int(lseek(file, 0, SEEK_END))
      if length > 0 {
        unsafe address = mmap(nil, length, PROT_READ, MAP_PRIVATE, file, 0)
        if unsafe address == MAP_FAILED { unsafe address = nil }
      }
      _ = Glibc.close(file)
    }
    unsafe bytes = unsafe address
    count = unsafe address == nil ? 0 : length
  }

  func close() { if let bytes = unsafe bytes { unsafe munmap(bytes, count) } }

  /// Little-endian.
  func word(_ at: Int, _ size: Int) -> UInt64 {
    guard let bytes = unsafe bytes, at >= 0, at &+ size <= count else { return 0 }
    var value: UInt64 = 0
    for index in 0..<size {
      value |=
        unsafe UInt64(bytes.load(fromByteOffset: at + index, as: UInt8.self)) << UInt64(8 * index)
    }
    return value
  }

  func text(_ at: Int) -> String {
    guard let bytes = unsafe bytes, at >= 0, at < count else { return "" }
    let start = unsafe (bytes + at).assumingMemoryBound(to: CChar.self)
    guard unsafe strnlen(start, count - at) < count - at else { return "" }
    return unsafe String(cString: start)
  }
}
