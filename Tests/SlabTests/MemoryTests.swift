import Foundation
import TestSupport
import Testing

extension AllocatorTests {
  /// How much memory is kept, in a C process of its own that loads the library.
  @Suite(.serialized) struct Memory {
    /// A line of memory.c each.
    private func measure(_ design: String) throws -> [String: Int] {
      let object = try TestObjects.build(design)
      let program = try TestObjects.program("Tests/SlabTests/Fixtures/memory.c")
      // Without the static TLS that scripts/test asks for: it is in every thread's stack.
      let result = try Command.run(["env", "-u", "GLIBC_TUNABLES", program, object])
      try #require(result.status == 0, "\(result.text)")
      var values: [String: Int] = [:]
      for line in result.text.split(whereSeparator: \.isNewline) {
        let words = line.split(separator: " ")
        if words.count == 2 { values[String(words[0])] = Int(words[1]) }
      }
      return values
    }

    @Test(arguments: ["heap", "sheaves"])
    func staysWithinItsGoals(design: String) throws {
      let values = try measure(design)
      // Resident memory is the kernel's figure, in whole pages and with libc's own.
      #expect(try #require(values["idle_resident_bytes"]) < 2 << 20)
      // What libc keeps besides varies with how many of the threads are alive at a time: the least.
      let threads =
        try [values["thread_bytes"]] + (0..<3).map { _ in try measure(design)["thread_bytes"] }
      #expect(try #require(threads.compactMap { $0 }.min()) < 20 << 10)
      // Pages are the allocator's own count, and exact.
      #expect(try #require(values["thread_page_bytes"]) < 20 << 10)
      // Two: the main thread and the worker.
      #expect(values["threads_left"] == 2)
      let live = Double(try #require(values["live_bytes"]))
      let retained = Double(try #require(values["retained_bytes"]))
      #expect(retained >= live)
      if design == "heap" { #expect(retained / live <= 1.25) }
    }
  }
}
