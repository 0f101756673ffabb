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

  /// Readable names of the functions that the subject can come to in its object, each once.
  public func names() -> [String] { object()?.own.names ?? [] }

  /// Where the functions start, by the subject's own readable names or by symbol.  A readable name
  /// may mean several (overloads); the slots are 4 in all.
  public func addresses(_ names: [String]) -> Result<[UInt], Unknown> {
    var found: [UInt] = []
    var symbols: [String] = []
    var object: Object?
    for name in names {
      if let entry = entryPoints.first(where: { $0.name == name }) {
        found.append(entry.address)
        continue
      }
      if object == nil { object = self.object() }
      if let object, let function = object.table.functions.first(where: { $0.symbol == name }) {
        found.append(object.base &+ UInt(function.address))
        continue
      }
      let inside = object?.own.functions(named: name) ?? []
      if let object, !inside.isEmpty {
        found += inside.map { object.base &+ UInt($0.address) }
        symbols += inside.map(\.symbol)
      } else if let address = unsafe dlsym(nil, name) {
        found.append(UInt(bitPattern: address))
      } else {
        return .failure(
          Unknown(
            text: "\(subject.name) has no function '\(name)', "
              + allowed(name, object?.own.names ?? [])))
      }
    }
    if found.count > Breakpoints.slots {
      let several =
        symbols.count > 1 ? ": \(symbols.prefix(8).joined(separator: ", "))" : ""
      return .failure(
        Unknown(
          text: "'\(names.joined(separator: "+"))' means \(found.count) places, allowed: "
            + "\(Breakpoints.slots), the processor's breakpoints; one of several is named by its "
            + "symbol\(several)"))
    }
    return .success(found)
  }

  private func allowed(_ name: String, _ all: [String]) -> String {
    let wanted = (name.split(separator: ".").last ?? "").lowercased()
    let near = all.filter { $0.lowercased().contains(wanted) }
    // Those of just this name first.
    let same = near.filter { $0.lowercased().split(separator: ".").last ?? "" == wanted }
    let listed = (same + near.filter { !same.contains($0) }).prefix(8)
    let others = listed.isEmpty ? "" : ", near it: \(listed.joined(separator: ", "))"
    return "allowed: \(entryPoints.map(\.name).joined(separator: ", "))"
      + ", or one of \(all.count) of nolock list functions \(subject.name)\(others)"
  }

  private struct Object {
    let table: FunctionTable
    let own: OwnFunctions
    let base: UInt
  }

  private func object() -> Object? {
    guard let first = entryPoints.first?.address,
      let address = unsafe UnsafeRawPointer(bitPattern: first),
      let path = unsafe nl_object_path(address)
    else { return nil }
    let table = FunctionTable(path: unsafe String(cString: path))
    let design = unsafe subject.ops.pointee.name.map { unsafe String(cString: $0) }
    return unsafe Object(
      table: table,
      own: OwnFunctions(table, of: design ?? subject.name, among: subjectNames),
      base: UInt(bitPattern: nl_object_base(address)))
  }
}
