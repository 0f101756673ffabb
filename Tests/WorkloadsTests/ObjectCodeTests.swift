import TestSupport
import Testing

/// What handlers and measured loops call, read from the object code of the program that measures:
/// a claim about the source would miss what the compiler adds.
@Suite(.enabled(if: ObjectCode.hasObjdump, "objdump (Debian package binutils) is not installed"))
struct ObjectCodeTests {
  private static let sampleProgram = ObjectCode(of: SampleProgram.path)

  /// What else they may reach: system calls and leaf functions of libc, async-signal-safe all.
  private static let allowed: Set<String> = [
    "__errno_location@plt", "clock_gettime@plt", "timer_settime@plt", "syscall@plt", "memcpy@plt",
    "getpid@plt",
  ]

  @Test(arguments: [
    "9Workloads11onInterrupt", "9Workloads8onReplay", "9Workloads8pairLoop",
    "9Workloads15checkedPairLoop", "9Workloads9batchLoop", "9Workloads9churnLoop",
    "9Workloads16checkedChurnLoop", "9Workloads10replayLoop", "nl_peer_kmalloc",
  ])
  func reachesNoRuntime(root: String) throws {
    let code = try #require(Self.sampleProgram)
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
    let code = try #require(Self.sampleProgram)
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
    let code = try #require(Self.sampleProgram)
    let lines = try #require(code.functions["nl_peer_kmalloc"])
    #expect(!lines.contains { $0.contains("call ") || $0.contains("push ") })
    #expect(lines.filter { $0.contains("jmp ") && $0.contains("*") }.count == 2)
  }
}
