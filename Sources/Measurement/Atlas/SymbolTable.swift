import Foundation

/// The functions of an ELF object, by its `.symtab`; empty where the object has none.
///
/// Source: System V ABI, ELF-64 object file format.
struct SymbolTable {
  private struct Symbol {
    var address: UInt64
    var size: UInt64
    var name: String
  }
  private var symbols: [Symbol] = []

  init(path: String) {
    guard let file = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped),
      file.count > 64, file.prefix(5) == Data([0x7f, 0x45, 0x4c, 0x46, 2])
    else { return }
    let sectionAt = Int(word(file, 0x28, 8))
    let sectionBytes = Int(word(file, 0x3a, 2))
    for index in 0..<Int(word(file, 0x3c, 2)) {
      let header = sectionAt + index * sectionBytes
      // SHT_SYMTAB
      guard word(file, header + 4, 4) == 2 else { continue }
      let names = Int(word(file, sectionAt + Int(word(file, header + 40, 4)) * sectionBytes + 24, 8))
      let start = Int(word(file, header + 24, 8))
      for at in stride(from: start, to: start + Int(word(file, header + 32, 8)), by: 24) {
        // STT_FUNC with an address.
        guard word(file, at + 4, 1) & 0xf == 2, word(file, at + 8, 8) != 0 else { continue }
        let name = names + Int(word(file, at, 4))
        guard name < file.count else { continue }
        let end = file[name...].firstIndex(of: 0) ?? file.endIndex
        symbols.append(
          Symbol(
            address: word(file, at + 8, 8), size: word(file, at + 16, 8),
            name: String(decoding: file[name..<end], as: UTF8.self)))
      }
    }
    symbols.sort { $0.address < $1.address }
  }

  /// The function that holds `address`, readable, and the bytes from its start.
  func find(_ address: UInt64) -> (name: String, offset: UInt64)? {
    var low = 0
    var high = symbols.count
    while low < high {
      let middle = (low + high) / 2
      if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let symbol = symbols[low - 1]
    guard address - symbol.address < max(symbol.size, 1) else { return nil }
    return (readable(symbol.name), address - symbol.address)
  }
}

/// Little-endian; 0 outside the file.
private func word(_ file: Data, _ at: Int, _ bytes: Int) -> UInt64 {
  guard at >= 0, at + bytes <= file.count else { return 0 }
  return (0..<bytes).reduce(0) { $0 | UInt64(file[at + $1]) << UInt64(8 * $1) }
}

@_silgen_name("swift_demangle")
private func swiftDemangle(
  _ name: UnsafePointer<CChar>, _ length: Int, _ buffer: UnsafeMutablePointer<CChar>?,
  _ size: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// `$s4Slab11SheafDesignO15allocNolockSlow…` → `SheafDesign.allocNolockSlow`.
func readable(_ symbol: String) -> String {
  guard symbol.hasPrefix("$s"),
    let text = unsafe swiftDemangle(symbol, symbol.utf8.count, nil, nil, 0)
  else { return symbol }
  defer { unsafe free(text) }
  var name = unsafe String(cString: text)
  if let of = name.range(of: " of ", options: .backwards) { name = String(name[of.upperBound...]) }
  if let paren = name.firstIndex(of: "(") { name = String(name[..<paren]) }
  name = String(name.split(separator: " ").last ?? Substring(name))
  if let dot = name.firstIndex(of: "."), name[..<dot] == "Slab" {
    name = String(name[name.index(after: dot)...])
  }
  return name
}
