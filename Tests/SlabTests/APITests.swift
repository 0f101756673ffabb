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
      let readme = try String(contentsOfFile: packageFolder + "/README.md", encoding: .utf8)
      let demo = "docs/demo/handler.c"
      #expect(
        readme.contains(try String(contentsOfFile: packageFolder + "/" + demo, encoding: .utf8)))

      // Under the name that is in the object, which the loader looks for.
      let object = try TestObjects.once("nolock-subject.so") {
        [packageFolder + "/scripts/build-subject", $0, "heap"]
      }
      let program = try TestObjects.program(
        demo, object, "-I", packageFolder + "/Sources/CNolock/include",
        "-Wl,-rpath,\(TestObjects.folder)")
      let result = try Command.run([program])
      #expect(result.status == 0)
      #expect(result.text == String(repeating: "alive\n", count: 20))
    }
  }
}
