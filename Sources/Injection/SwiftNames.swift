import Glibc

@_silgen_name("swift_demangle")
private func swiftDemangle(
  _ name: UnsafePointer<CChar>, _ length: Int, _ buffer: UnsafeMutablePointer<CChar>?,
  _ size: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// `$s4Slab11SheafDesignO15allocNolockSlow…` → `SheafDesign.allocNolockSlow`; other symbols as they
/// are.
public func readableName(_ symbol: String) -> String {
  isSwift(symbol) ? readableName(demangled: demangled(symbol)) : symbol
}

/// Mangled by the Swift compiler; `$e` by an Embedded one, as revisions are.
func isSwift(_ symbol: String) -> Bool { symbol.hasPrefix("$s") || symbol.hasPrefix("$e") }

func readableName(demangled text: String) -> String {
  var name = Substring(text)
  // `generic specialization <…> of static (extension in Slab):Slab.Design.flush(…) -> …`
  while let of = name.utf8.firstRange(of: " of ") { name = name[of.upperBound...] }
  if name.hasPrefix("static ") { name = name.dropFirst(7) }
  if name.hasPrefix("(extension in "), let end = name.firstIndex(of: ":") {
    name = name[name.index(after: end)...]
  }
  if let paren = name.firstIndex(of: "(") { name = name[..<paren] }
  name = name.split(separator: " ").last ?? name
  if let dot = name.firstIndex(of: "."), name[..<dot] == "Slab" {
    name = name[name.index(after: dot)...]
  }
  return String(name)
}

func demangled(_ symbol: String) -> String {
  guard let text = unsafe swiftDemangle(symbol, symbol.utf8.count, nil, nil, 0) else {
    return symbol
  }
  defer { unsafe free(text) }
  return unsafe String(cString: text)
}

extension Substring.UTF8View {
  fileprivate func firstRange(of text: StaticString) -> Range<Index>? {
    let wanted = Array(String(describing: text).utf8)
    var start = startIndex
    while start != endIndex {
      if self[start...].starts(with: wanted) {
        return start..<index(start, offsetBy: wanted.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
