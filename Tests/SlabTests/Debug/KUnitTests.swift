import CNolock
import Testing

// lib/tests/slub_kunit.c (kernel-reference §6.1): its other cases, each with the exact number of
// slab errors.  The nolock cases are the workload `kunit`.
//
// test_krealloc_redzone_zeroing has no counterpart, because the table has no krealloc; nor have
// test_kfree_rcu and test_kfree_rcu_wq_destroy, because no design has kfree_rcu.

extension AllocatorTests.Checks {
  /// test_clobber_zone, test_clobber_redzone_free's validation, test_kmalloc_redzone_access (18).
  @Test(arguments: [(64, 64), (64, 71), (50, 50), (18, 18), (18, 20), (64, -1), (64, -64)])
  func clobberedRedZone(_ size: Int, _ offset: Int) throws {
    let subject = try fresh()
    let object = subject.kmalloc(size)
    poke(object &+ UInt(bitPattern: offset), 0x12)
    #expect(validate(subject) == 1)
    let bucket = size == 18 ? 32 : 64
    let name = offset < 0 ? "Left" : offset < bucket ? "kmalloc" : "Right"
    #expect(subject.report.hasPrefix("BUG kmalloc-\(bucket): \(name) Redzone overwritten\n"))
    #expect(subject.report.contains("byte \(offset): 0x12 found, 0xcc expected\n"))
    // Put right by the report.
    #expect(validate(subject) == 0)
    subject.kfree(object)
    expectSound(subject)
  }

  /// test_clobber_redzone_free.
  @Test func clobberedRedZoneFoundByTheFree() throws {
    let subject = try fresh()
    let object = subject.kmalloc(64)
    poke(object + 64, 0x12)
    subject.kfree(object)
    #expect(errors(subject) == 1)
    // As in the kernel it is not freed.
    #expect(subject.statistics["objects_withheld"] == 1)
    #expect(!(0..<1000).map { _ in subject.kmalloc(64) }.contains(object))
  }

  /// test_next_pointer.  One finding: the list behind the damage is given up, not counted again.
  @Test func clobberedFreePointer() throws {
    let subject = try fresh()
    let objects = (0..<3).map { _ in subject.kmalloc(64) }
    for object in objects { subject.kfree(object) }
    // Behind the object and its right red zone.
    for byte in 0..<8 { poke(objects[1] + 72 + UInt(byte), 0x12) }
    #expect(validate(subject) == 1)
    #expect(subject.report.hasPrefix("BUG kmalloc-64: Freepointer corrupt\n"))
    #expect(validate(subject) == 0)
    // And the other way of finding it.
    for byte in 0..<8 { poke(objects[2] + 72 + UInt(byte), 0x12) }
    let again = (0..<3).map { _ in subject.kmalloc(64) }
    #expect(Set(again) == Set(objects))
    #expect(errors(subject) == 2)
    for object in again { subject.kfree(object) }
    expectSound(subject)
  }

  /// test_first_word, test_clobber_50th_byte.
  @Test(arguments: [0, 50, 63])
  func writeAfterFree(_ offset: Int) throws {
    let subject = try fresh()
    let object = subject.kmalloc(64)
    subject.kfree(object)
    poke(object + UInt(offset), 0x9a)
    #expect(validate(subject) == 1)
    let expected = offset == 63 ? "0xa5" : "0x6b"
    #expect(subject.report.contains("byte \(offset): 0x9a found, \(expected) expected\n"))
    #expect(validate(subject) == 0)
    // Found by the next allocation, which does not hand it out.
    poke(object, 0x78)
    #expect(subject.kmallocNolock(64) != object)
    #expect(errors(subject) == 2)
    #expect(subject.statistics["objects_withheld"] == 1)
  }

  /// test_leak_destroy.
  @Test func leakedObjects() throws {
    let subject = try fresh()
    let objects = [subject.kmalloc(64), subject.kmalloc(64), subject.kmallocNolock(1024)]
    // One finding a bucket.
    #expect(subject.control("leaks", 0) == 0)
    #expect(errors(subject) == 2)
    #expect(subject.report.hasPrefix("BUG kmalloc-1024: Objects remaining\n"))
    subject.bulkFree(objects)
    #expect(subject.control("leaks", 0) == 0)
    #expect(errors(subject) == 2)
  }
}
