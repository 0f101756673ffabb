import CNolock
import CSweep
import Glibc
import Slab
import Testing

/// An allocator under test, by its table.  Objects are addresses here, 0 for NULL: tests compare
/// and count them, and seldom look inside.
@safe
struct Subject: @unchecked Sendable, CustomTestStringConvertible {
  let ops: UnsafePointer<nolock_ops>
  let name: String
  var testDescription: String { name }

  init(_ ops: UnsafePointer<nolock_ops>, _ name: String) {
    unsafe self.ops = ops
    self.name = name
  }

  static let sheaves = unsafe Subject(BuiltIn.sheaves.subject!, "sheaves").withWorker()
  static let heap = unsafe Subject(BuiltIn.heap.subject!, "heap").withWorker()
  static let cpuslab = unsafe Subject(BuiltIn.cpuslab.subject!, "cpuslab").withWorker()
  static let tiny = unsafe Subject(BuiltIn.tiny.subject!, "tiny").withWorker()
  static let gfpflag = unsafe Subject(BuiltIn.gfpflag.subject!, "gfpflag").withWorker()
  static let sheavesRT = unsafe Subject(BuiltIn.sheavesRT.subject!, "sheaves-rt").withWorker()
  static let cpuslabRT = unsafe Subject(BuiltIn.cpuslabRT.subject!, "cpuslab-rt").withWorker()
  static let tinyRT = unsafe Subject(BuiltIn.tinyRT.subject!, "tiny-rt").withWorker()
  /// The forms of PREEMPT_RT.
  static let rt = [sheavesRT, cpuslabRT, tinyRT]
  /// The designs whose vCPUs have sheaves.
  static let withSheaves = [sheaves, heap, gfpflag]
  static let all = [sheaves, heap, cpuslab, tiny, gfpflag]

  /// Makes the first ordinary call, and returns when the worker that it starts has attached.
  private func withWorker() -> Subject {
    kfree(kmalloc(64))
    barrier()
    return self
  }

  func kmalloc(_ size: Int, gfp: UInt32 = 0, node: Int32 = NOLOCK_NO_NODE) -> UInt {
    unsafe UInt(bitPattern: ops.pointee.kmalloc(size, gfp, node))
  }
  func kmallocNolock(_ size: Int, gfp: UInt32 = 0, node: Int32 = NOLOCK_NO_NODE) -> UInt {
    unsafe UInt(bitPattern: ops.pointee.kmalloc_nolock(size, gfp, node))
  }
  func kfree(_ object: UInt) {
    unsafe ops.pointee.kfree(UnsafeMutableRawPointer(bitPattern: object))
  }
  func kfreeNolock(_ object: UInt) {
    unsafe ops.pointee.kfree_nolock(UnsafeMutableRawPointer(bitPattern: object))
  }
  func ksize(_ object: UInt) -> Int {
    unsafe ops.pointee.ksize(UnsafeMutableRawPointer(bitPattern: object))
  }
  func barrier() { unsafe ops.pointee.barrier() }
  func threadAttach() -> Int32 { unsafe ops.pointee.thread_attach() }
  func threadDetach() { unsafe ops.pointee.thread_detach() }
  func control(_ key: String, _ value: UInt64) -> Int32 { unsafe ops.pointee.control(key, value) }

  func bulkAllocate(_ size: Int, gfp: UInt32 = 0, _ count: Int) -> [UInt] {
    let slots = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: count)
    let got = unsafe ops.pointee.kmalloc_bulk(size, gfp, count, slots)
    defer { unsafe slots.deallocate() }
    return (0..<got).map { unsafe UInt(bitPattern: slots[$0]) }
  }
  func bulkFree(_ objects: [UInt]) {
    let slots = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: objects.count)
    for (i, object) in objects.enumerated() {
      unsafe (slots + i).initialize(to: UnsafeMutableRawPointer(bitPattern: object))
    }
    unsafe ops.pointee.kfree_bulk(objects.count, slots)
    unsafe slots.deallocate()
  }
  func shrink() -> Int { unsafe ops.pointee.shrink() }
  /// The last report of a checked instance.
  var report: String {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1024)
    defer { unsafe text.deallocate() }
    let length = unsafe ops.pointee.report!(text, 1024)
    return unsafe length == 0 ? "" : String(cString: text)
  }
  func flush() { unsafe ops.pointee.flush() }
  /// Runs `body` with the calling thread's context declared.
  func declared<R>(_ context: nolock_context, _ flags: UInt32 = 0, _ body: () -> R) -> R {
    let before = unsafe ops.pointee.context(context.rawValue | flags)
    defer { _ = unsafe ops.pointee.context(before) }
    return body()
  }

  func fill(_ object: UInt, _ count: Int, with byte: UInt8) {
    _ = unsafe memset(UnsafeMutableRawPointer(bitPattern: object)!, Int32(byte), count)
  }
  func isFilled(_ object: UInt, _ count: Int, with byte: UInt8) -> Bool {
    unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: object), count: count)
      .allSatisfy { $0 == byte }
  }

  /// All counters by name.
  var statistics: [String: Int] {
    var values: [String: Int] = [:]
    let table = UnsafeMutableBufferPointer<nolock_stat>.allocate(capacity: 200)
    for i in 0..<(unsafe ops.pointee.stats(table.baseAddress, 200)) {
      values[unsafe String(cString: table[i].name)] = unsafe Int(table[i].value)
    }
    unsafe table.deallocate()
    return values
  }

  /// The counters that `body` moved, by how much; without the worker's, which move by themselves.
  func moved(by body: () throws -> Void) rethrows -> [String: Int] {
    let before = statistics
    try body()
    return statistics.merging(before) { $0 - $1 }
      .filter { $0.value != 0 && !$0.key.hasPrefix("worker") }
  }

  /// Objects that callers hold now, by the allocator's own count.
  var live: Int {
    let s = statistics
    return ["alloc_fast", "alloc_slow", "alloc_large"].reduce(0) { $0 + s[$1]! }
      - ["free_fast", "free_slow", "free_deferred", "free_large"].reduce(0) { $0 + s[$1]! }
  }
}

/// All tests of the allocator run one after the other: they look at counters of the whole process.
@Suite(.serialized) struct AllocatorTests {}

/// Runs `body` on a thread of its own, which has not called the allocator yet.
func onNewThread(_ body: () -> Void) {
  withoutActuallyEscaping(body) { body in
    var box = body
    let error = unsafe withUnsafeMutablePointer(to: &box) { pointer in
      unsafe sweep_on_new_thread(
        { unsafe $0!.assumingMemoryBound(to: (() -> Void).self).pointee() }, pointer)
    }
    #expect(error == 0)
  }
}
