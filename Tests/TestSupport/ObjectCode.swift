import Foundation

/// The disassembly of a program or shared object, by function.
public struct ObjectCode: Sendable {
  /// Calls, jumps, pushes and system calls of each function, in order; without the jump that stands
  /// in the padding behind a function.
  public let functions: [String: [Substring]]

  public static let hasObjdump = (try? Command.run(["objdump", "--version"]))?.status == 0

  /// Prints the headers and the lines that are looked at; the whole has a million.
  ///
  /// LLVM fills a long gap before the next cache line with a jump over nops.  That jump is padding
  /// iff control cannot come to it: right behind a return or a jump, with nothing but nops after
  /// it, and no other instruction of the function names its address.
  private static let filter = #"""
    function isNop(line) { return line ~ /\t(data16 |cs )*(nop[wl]?|xchg +%ax,%ax|int3)/ }
    function isFinal(line) { return line ~ /\t(ret|ud2|jmp)/ }
    function flush(  last, end, at, i, used) {
      last = count
      while (last > 0 && isNop(code[last])) last--
      end = last
      if (last < count && last > 1 && code[last] ~ /\tjmp +[0-9a-f]/ && isFinal(code[last - 1])) {
        at = code[last]; sub(/:.*/, "", at); sub(/^ +/, "", at)
        for (i = 1; i < last; i++) if (index(code[i], " " at " <")) used = 1
        if (!used) end--
      }
      for (i = 1; i <= end; i++) if (code[i] ~ /\t(call|j[a-z]+|push|syscall)/) print code[i]
      count = 0
    }
    />:$/ { flush(); print; next }
    /\t/ { code[++count] = $0 }
    END { flush() }
    """#

  /// nil if objdump fails.
  public init?(of path: String) {
    let command = "set -o pipefail; objdump -d --no-show-raw-insn \"$0\" | awk \"$1\""
    guard let result = try? Command.run(["bash", "-c", command, path, Self.filter]),
      result.status == 0
    else { return nil }
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
