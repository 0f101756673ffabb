import CPlatform
import Glibc
import Injection
public import Subjects

/// Functions that a breakpoint may be set on, by name: the subject's entry points, every function of
/// the object that holds them (`nolock-sample` itself, or a loaded revision), and what the dynamic
/// linker finds in the process (`malloc`).
public struct FunctionFinder {
  /// A name that is no function's.
  public struct Unknown: Error { public let text: String }

  private let subject: Subject
  public let entryPoints: [(name: String, address: UInt)]

  public init(_ subject: Subject) {
    self.subject = subject
    let ops = unsafe subject.ops.pointee
    let all: [(String, UInt)] = unsafe [
      ("kmalloc", unsafeBitCast(ops.kmalloc, to: UInt.self)),
      ("kfree", unsafeBitCast(ops.kfree, to: UInt.self)),
      ("kmalloc_nolock", unsafeBitCast(ops.kmalloc_nolock, to: UInt.self)),
      ("kfree_nolock", unsafeBitCast(ops.kfree_nolock, to: UInt.self)),
      ("kfree_rcu", unsafeBitCast(ops.kfree_rcu, to: UInt.self)),
      ("ksize", unsafeBitCast(ops.ksize, to: UInt.self)),
    ]
    entryPoints = all.filter { $0.1 != 0 }.map { (name: $0.0, address: $0.1) }
  }

  /// Readable names of the allocator's own functions in the object, each once, by name.
  public func names() -> [String] {
    let all = object()?.table.functions ?? []
    let own = all.filter { $0.symbol.hasPrefix("nl_") || $0.symbol.hasPrefix("$s4Slab") }
    return Set(own.map { readableName($0.symbol) }.filter(isPlain)).sorted()
  }

  /// A function of the source, not one that the compiler made of a type.
  private func isPlain(_ name: String) -> Bool {
    guard let first = name.split(separator: ".").last?.utf8.first else { return false }
    return (97...122).contains(first)
      && name.utf8.allSatisfy { byte in
        byte == 46 || byte == 95 || (48...57).contains(byte) || (65...90).contains(byte)
          || (97...122).contains(byte)
      }
  }

  /// Where the functions start; a name may mean several (specialisations), the slots are 4 in all.
  public func addresses(_ names: [String]) -> Result<[UInt], Unknown> {
    var found: [UInt] = []
    var read = false
    var own: (table: FunctionTable, base: UInt)?
    for name in names {
      if let entry = entryPoints.first(where: { $0.name == name }) {
        found.append(entry.address)
        continue
      }
      if !read { own = object() }
      read = true
      let inside = own.map { own in
        own.table.addresses(named: name, of: subject.name).map { own.base &+ UInt($0) }
      }
      if let inside, !inside.isEmpty {
        found += inside
      } else if let address = unsafe dlsym(nil, name) {
        found.append(UInt(bitPattern: address))
      } else {
        return .failure(
          Unknown(text: "\(subject.name) has no function '\(name)', \(allowed(name))"))
      }
    }
    if found.count > Breakpoints.slots {
      return .failure(
        Unknown(
          text: "'\(names.joined(separator: "+"))' means \(found.count) places, allowed: "
            + "\(Breakpoints.slots), the processor's breakpoints; one of several is named by its symbol"
        ))
    }
    return .success(found)
  }

  private func allowed(_ name: String) -> String {
    let all = names()
    let wanted = name.lowercased().split(separator: ".").last ?? ""
    let near = all.filter { $0.lowercased().contains(wanted) }.prefix(8)
    let others = near.isEmpty ? "" : ", near it: \(near.joined(separator: ", "))"
    return "allowed: \(entryPoints.map(\.name).joined(separator: ", "))"
      + ", or one of \(all.count) of nolock list functions \(subject.name)\(others)"
  }

  private func object() -> (table: FunctionTable, base: UInt)? {
    guard let first = entryPoints.first?.address,
      let address = unsafe UnsafeRawPointer(bitPattern: first),
      let path = unsafe nl_object_path(address)
    else { return nil }
    return unsafe (
      FunctionTable(path: String(cString: path)), UInt(bitPattern: nl_object_base(address))
    )
  }
}
