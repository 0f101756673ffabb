import CRecords
import Foundation
import Measurement
import Testing

/// `peer:PATH`: any shared object that exports malloc, calloc and free.
@Suite(
  "Peers by path", .serialized,
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: Paths.sample), "nolock-sample is not built"))
struct PeerTests {
  /// Pages from the kernel for each object: slow, and safe in any handler.
  private static let source = """
    #include <stddef.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    static long call(long n, long a, long b, long c, long d, long e, long f) {
      register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
      __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                       : "rcx", "r11", "memory");
      return n;
    }
    void *malloc(size_t n) {
      long p = call(SYS_mmap, 0, n + 64, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (p < 0) return 0;
      *(size_t *)p = n;
      return (char *)p + 64;
    }
    void *calloc(size_t n, size_t m) { return malloc(n * m); }
    void free(void *p) {
      if (p) call(SYS_munmap, (long)p - 64, *(size_t *)((char *)p - 64) + 64, 0, 0, 0, 0);
    }
    """

  private static let libc = [
    "/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6",
  ].first(where: FileManager.default.fileExists)

  private func withPeer(_ body: (_ object: String, _ folder: String) throws -> Void) throws {
    try temporaryFolder { folder in
      try Self.source.write(toFile: folder + "/peer.c", atomically: true, encoding: .utf8)
      let object = folder + "/peer.so"
      let built = try Program.run(
        "/usr/bin/env",
        [
          "clang", "-O2", "-fno-builtin", "-shared", "-fPIC", "-nostdlib", folder + "/peer.c", "-o",
          object,
        ])
      try #require(built.status == 0, "\(built.errors)")
      try body(object, folder)
    }
  }

  /// Alone: the one that asks the kernel takes thousands of times as long as any other.
  private func measure(_ subject: String, _ folder: String) throws {
    let suite = """
      base: "peer:\(subject)"
      blocks: 2
      groups:
        - workload: pair
          mix: fixed:64
          live: 16
          subject: ["peer:\(subject)"]
      """
    let result = try runResult(yaml: suite, in: folder)
    #expect(result.cells.count == 1)
    for cell in result.cells {
      #expect(cell.state == .ok, "\(cell.id): \(cell.reason ?? "")")
      #expect((cell.summary("ns_per_op")?.median ?? 0) > 0)
    }
  }

  @Test("one that is no library of Debian's is measured")
  func isMeasured() throws {
    try withPeer { object, folder in try measure(object, folder) }
  }

  @Test(
    "glibc by its path is measured", .enabled(if: libc != nil, "no libc.so.6 at its usual places"))
  func glibcByPath() throws {
    let path = try #require(Self.libc)
    try temporaryFolder { folder in try measure(path, folder) }
  }

  @Test(
    "survival tells one that asks the kernel each time from one with locks",
    .enabled(if: libc != nil, "no libc.so.6 at its usual places"))
  func survival() throws {
    let libc = try #require(Self.libc)
    try withPeer { object, folder in
      let ended = try Program.nolock(
        "run", "survival", "-o", folder + "/out", "-p", "subject=peer:\(object),peer:\(libc)",
        "-p", "setting=t1k/mixed/pair", "-p", "trials=1", "-p", "signals=300")
      #expect(ended.status == 0, "\(ended.errors)")
      let data = try #require(FileManager.default.contents(atPath: folder + "/out/survival.json"))
      let trials = try JSONDecoder().decode(SurvivalResult.self, from: data).trials
      #expect(trials.count == 2)
      let own = try #require(trials.first { $0.subject == "peer:" + object })
      #expect(own.outcome == .ok, "\(own.outcome): \(own.detail ?? "")")
      #expect(trials.allSatisfy { $0.outcome != .unavailable })
    }
  }
}
