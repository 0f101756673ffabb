import Foundation
import Slab
import TestSupport
import Testing

extension AllocatorTests {
  /// The Swift calls are those of the default instance, and the README's program does what it says.
  @Suite(.serialized) struct API {
    @Test func swiftCallsUseTheDefaultInstance() {
      let moved = Subject.heap.moved {
        let object = unsafe NolockHeap.kmalloc(100, [.zero, .account])
        #expect(unsafe NolockHeap.ksize(object) == 128)
        unsafe NolockHeap.kfree(object)
        unsafe NolockHeap.kfreeNolock(NolockHeap.kmallocNolock(100))
        #expect(unsafe NolockHeap.kmalloc(-1) == nil)
        #expect(unsafe NolockHeap.kmallocNolock(8193) == nil)
      }
      #expect(moved["alloc_fast", default: 0] + moved["alloc_slow", default: 0] == 2)
      NolockHeap.barrier()
      #expect(Subject.heap.live == 0)
    }

    @Test func theReadmesProgramRuns() throws {
      let root = BuiltSubject.root
      let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
      let demo = root.appending(path: "docs/demo/handler.c")
      #expect(readme.contains(try String(contentsOf: demo, encoding: .utf8)))

      let object = BuiltSubject.folder.appending(path: "nolock-subject.so").path
      let built = try Command.run(
        [root.appending(path: "scripts/build-subject").path, object, "heap"])
      try #require(built.status == 0, "\(built.text)")
      let program = BuiltSubject.folder.appending(path: "handler").path
      let compiled = try Command.run([
        "clang", "-O2", "-Wall", "-Werror", "-I",
        root.appending(path: "Sources/CNolock/include").path, demo.path, object, "-pthread", "-o",
        program, "-Wl,-rpath,\(BuiltSubject.folder.path)",
      ])
      try #require(compiled.status == 0, "\(compiled.text)")
      let result = try Command.run([program])
      #expect(result.status == 0)
      #expect(result.text == String(repeating: "alive\n", count: 20))
    }
  }
}
