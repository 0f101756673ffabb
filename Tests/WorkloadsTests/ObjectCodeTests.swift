import Foundation
import Testing

/// What handlers and measured loops call, read from the object code of the program that measures:
/// a claim about the source would miss what the compiler adds.
@Suite(.enabled(if: ObjectCode.hasObjdump, "objdump (Debian package binutils) is not installed"))
struct ObjectCodeTests {
  /// What else they may reach: system calls and leaf functions of libc, async-signal-safe all.
  private static let allowed: Set<String> = [
    "__errno_location@plt", "clock_gettime@plt", "timer_settime@plt", "syscall@plt", "memcpy@plt",
  ]

  @Test(arguments: [
    "9Workloads11onInterrupt", "9Workloads8onReplay", "9Workloads8pairLoop",
    "9Workloads15checkedPairLoop", "9Workloads9batchLoop", "9Workloads9churnLoop",
    "9Workloads16checkedChurnLoop", "9Workloads10replayLoop", "nl_peer_kmalloc",
  ])
  func reachesNoRuntime(root: String) throws {
    let code = try #require(ObjectCode.ofSampleProgram)
    let roots = code.functions.keys.filter { $0.contains(root) }
    #expect(!roots.isEmpty)
    for name in code.reachable(from: roots)
    where code.functions[name] == nil || name.hasSuffix("@plt") {
      #expect(Self.allowed.contains(name), "\(root) reaches \(name)")
    }
    #expect(code.reachable(from: roots).allSatisfy { !$0.hasPrefix("swift_") })
  }

  /// Two indirect calls and what feeds them, nothing else.
  @Test func pairLoopIsTight() throws {
    let code = try #require(ObjectCode.ofSampleProgram)
    // The one for a single size; the name goes on with the types: pointer, pointer, Int, UInt64.
    let name = try #require(
      code.functions.keys.first {
        $0.contains("9Workloads8pairLoop") && $0.hasSuffix("XCSis6UInt64VtF")
      })
    let calls = code.functions[name]!.filter { $0.contains("call ") }
    #expect(calls.count == 2)
    #expect(calls.allSatisfy { $0.contains("*%r") })
  }

  /// A peer costs a test and a jump: no frame, no call.
  @Test func peerAdapterIsATailJump() throws {
    let code = try #require(ObjectCode.ofSampleProgram)
    let lines = try #require(code.functions["nl_peer_kmalloc"])
    #expect(!lines.contains { $0.contains("call ") || $0.contains("push ") })
    #expect(lines.filter { $0.contains("jmp ") && $0.contains("*") }.count == 2)
  }
}

/// The disassembly of a program, by function.
struct ObjectCode {
  let functions: [String: [Substring]]

  static let hasObjdump = run(["objdump", "--version"]) != nil
  static let ofSampleProgram: ObjectCode? = run(
    [
      // Only headings, calls, jumps and pushes: the whole has a million lines.
      "sh", "-c", "objdump -d --no-show-raw-insn \"$0\" | grep -E '>:$|\t(call|j[a-z]+|push) '",
      SampleProgram.path,
    ]
  ).map(ObjectCode.init)

  init(_ text: String) {
    var functions: [String: [Substring]] = [:]
    var name: String?
    for line in text.split(separator: "\n") {
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
  func reachable(from roots: [String]) -> Set<String> {
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

  private static func run(_ command: [String]) -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
  }
}
