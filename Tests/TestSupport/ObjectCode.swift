import Foundation

/// The disassembly of a program or shared object, by function.
public struct ObjectCode: Sendable {
  /// Calls, jumps, pushes and system calls of each function, in order.
  public let functions: [String: [Substring]]

  public static let hasObjdump = (try? Command.run(["objdump", "--version"]))?.status == 0

  /// nil if objdump fails.
  public init?(of path: String) {
    // Only what is looked at: the whole has a million lines.
    let command =
      "objdump -d --no-show-raw-insn \"$0\" | grep -E '>:$|\t(call|j[a-z]+|push|syscall)'"
    guard let result = try? Command.run(["sh", "-c", command, path]), result.status == 0 else {
      return nil
    }
    var functions: [String: [Substring]] = [:]
    var name: String?
    for line in result.text.split(separator: "\n") {
      if line.hasSuffix(">:"), let start = line.firstIndex(of: "<") {
        name = String(line[line.index(after: start)...].dropLast(2))
        functions[name!] = []
      } else if let name {
        functions[name]!.append(line)
      }
    }
    self.functions = functions
  }

  /// Every symbol that code reachable by direct calls and jumps from `roots` names; libc is not
  /// followed beyond its stub.
  public func reachable(from roots: [String]) -> Set<String> {
    var seen: Set<String> = []
    var next = roots
    while let name = next.popLast() {
      guard seen.insert(name).inserted, !name.hasSuffix("@plt") else { continue }
      for line in functions[name] ?? [] where line.contains("call ") || line.contains("\tj") {
        guard !line.contains("*"), let start = line.firstIndex(of: "<") else { continue }
        let target = line[line.index(after: start)...].prefix { $0 != "+" && $0 != ">" }
        next.append(String(target))
      }
    }
    return seen
  }

  /// Lines of `functions[name]` that call or jump where only the register knows.
  public func indirect(in name: String) -> [Substring] {
    (functions[name] ?? []).filter { $0.contains("*") }
  }
}
