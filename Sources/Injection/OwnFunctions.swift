/// The functions of an object that one of its subjects can come to, by readable name.
///
/// Each design is specialised for each instance, so a name of the source has many symbols.  The type
/// arguments of a specialisation tell whose it is: `<Slab.SheafDesign<Slab.SheavesRT>>` is of
/// `sheaves-rt`, and what is specialised for the kind of preemption alone is shared by those of the
/// kind.
public struct OwnFunctions {
  public struct Function: Sendable {
    /// Offset in the object's image.
    public var address: UInt64
    public var symbol: String
  }

  /// Whose a function is, by what it is specialised for.
  private enum Owner { case subject, another, nobody }

  private var byName: [String: [Function]] = [:]

  /// - Parameters:
  ///   - subject: the name of the subject's design: `sheaves`, `cpuslab-rt`.
  ///   - others: names of every subject.
  public init(_ table: FunctionTable, of subject: String, among others: [String]) {
    let own = Self.typeName(subject)
    let foreign = Set(others.map(Self.typeName)).subtracting([own])
    let preemption = subject.hasSuffix("-rt") ? "preemptrt" : "preemptnone"
    var all: [String: [(owner: Owner, function: Function)]] = [:]
    for function in table.functions where Self.isSource(function.symbol) {
      let text = demangled(function.symbol)
      let name = readableName(demangled: text)
      guard Self.isPlain(name), !text.hasPrefix("protocol witness") else { continue }
      if let type = name.split(separator: ".").first, foreign.contains(type.lowercased()) {
        continue
      }
      let words = Self.arguments(text)
      let owner: Owner =
        if words.contains(own) { .subject } else if !foreign.isDisjoint(with: words) {
          .another
        } else if words.contains(preemption) {
          .subject
        } else if words.contains("preemptrt") || words.contains("preemptnone") { .another } else {
          .nobody
        }
      all[name, default: []].append(
        (owner, Function(address: function.address, symbol: function.symbol)))
    }
    for (name, functions) in all {
      // A generic form is called by nobody where there are specialisations of it.
      let wanted: Owner = functions.contains { $0.owner != .nobody } ? .subject : .nobody
      let found = functions.filter { $0.owner == wanted }.map(\.function)
      if !found.isEmpty { byName[name] = found }
    }
  }

  public var names: [String] { byName.keys.sorted() }

  /// The functions of this readable name, each place once; empty where there is none.
  public func functions(named name: String) -> [Function] {
    var found: [Function] = []
    for function in byName[name] ?? [] where found.last?.address != function.address {
      found.append(function)
    }
    return found
  }

  private static func isSource(_ symbol: String) -> Bool {
    symbol.hasPrefix("nl_") || symbol.hasPrefix("$s4Slab") || symbol.hasPrefix("$e4Slab")
  }

  /// The type of an instance, in small letters: `sheaves+debug` is `SheavesDebug`; `cpuslab` alone
  /// has a type in the plural.
  private static func typeName(_ subject: String) -> String {
    let letters = String(subject.lowercased().filter { $0.isLetter || $0.isNumber })
    return letters.hasPrefix("cpuslab") ? "cpuslabs" + letters.dropFirst(7) : letters
  }

  /// The types that a demangled symbol is specialised for, without their module, in small letters.
  private static func arguments(_ text: String) -> Set<String> {
    guard let end = text.range(of: "> of ") else { return [] }
    let words = text[..<end].split { !($0.isLetter || $0.isNumber || $0 == ".") }
    return Set(words.filter { $0.hasPrefix("Slab.") }.map { $0.dropFirst(5).lowercased() })
  }

  /// A function of the source, not one that the compiler made of a type.
  private static func isPlain(_ name: String) -> Bool {
    guard let first = name.split(separator: ".").last?.utf8.first else { return false }
    return (97...122).contains(first)
      && name.utf8.allSatisfy { byte in
        byte == 46 || byte == 95 || (48...57).contains(byte) || (65...90).contains(byte)
          || (97...122).contains(byte)
      }
  }
}

extension String {
  /// Where the last occurrence of `text` starts.
  fileprivate func range(of text: String) -> Index? {
    var found: Index?
    var at = startIndex
    while at < endIndex {
      if self[at...].hasPrefix(text) { found = at }
      at = index(after: at)
    }
    return found
  }
}
