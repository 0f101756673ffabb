import CNolock
import CPlatform
import CSweep
import Glibc
import Slab
import TestSupport
import Testing

extension AllocatorTests {
  /// The checked instance: each misuse is found, named once, and counted instead of dying.
  @Suite(.serialized) struct Checks {
    /// A checked instance of its own, because findings stay counted.
    func fresh(_ flags: [String] = []) throws -> Subject {
      let subject = try Subject.fresh("sheaves+debug", flags: flags)
      try #require(unsafe subject.ops.pointee.report != nil)
      return subject
    }

    func poke(_ address: UInt, _ byte: UInt8) {
      unsafe UnsafeMutablePointer<UInt8>(bitPattern: address)!.pointee = byte
    }
    func errors(_ subject: Subject) -> Int { subject.statistics["slab_errors"]! }

    /// The findings of a check of everything.
    func validate(_ subject: Subject) -> Int {
      let before = errors(subject)
      #expect(subject.control("validate", 0) == 0)
      return errors(subject) - before
    }

    /// Everything right: no finding, and all objects back.
    func expectSound(_ subject: Subject) {
      subject.barrier()
      #expect(validate(subject) == 0)
      #expect(subject.live == 0)
    }

    @Test func rightUseIsSilent() throws {
      let subject = try fresh()
      for size in [1, 8, 50, 64, 96, 129, 256, 1000, 4096, 8192] {
        let objects = (0..<100).map {
          $0 % 2 == 0 ? subject.kmalloc(size, gfp: UInt32($0 & 3)) : subject.kmallocNolock(size)
        }
        #expect(Set(objects).count == 100 && !objects.contains(0))
        let bucket = BucketsTests.sizes.first { $0 >= size }!
        for object in objects {
          #expect(object % UInt(bucket & -bucket) == 0)
          // What was asked for may be used, and no more.
          #expect(subject.ksize(object) == size)
          subject.fill(object, size, with: 0x41)
        }
        for (i, object) in objects.enumerated() {
          // kfree of a kmalloc_nolock object is legal since 7.0.
          i % 4 == 1 ? subject.kfreeNolock(object) : subject.kfree(object)
        }
      }
      let cleared = subject.kmalloc(50, gfp: NOLOCK_GFP_ZERO.rawValue)
      #expect(subject.isFilled(cleared, 50, with: 0))
      subject.bulkFree(subject.bulkAllocate(192, 100) + [cleared])
      expectSound(subject)
      #expect(errors(subject) == 0 && subject.report == "")
    }

    @Test func doubleFree() throws {
      let subject = try fresh()
      let objects = (0..<4).map { _ in subject.kmallocNolock(64) }
      let frees: [[(UInt) -> Void]] = [
        [subject.kfree, subject.kfree], [subject.kfree, subject.kfreeNolock],
        [subject.kfreeNolock, subject.kfree], [subject.kfreeNolock, subject.kfreeNolock],
      ]
      for (object, calls) in zip(objects, frees) {
        for call in calls { call(object) }
        #expect(subject.report.hasPrefix("BUG kmalloc-64: Object already free\n"))
      }
      #expect(errors(subject) == 4)
      expectSound(subject)
    }

    // Misuse of the nolock calls, and pointers that are none.

    @Test func kfreeNolockOfAKmallocObject() throws {
      let subject = try fresh()
      let object = subject.kmalloc(64)
      subject.kfreeNolock(object)
      #expect(errors(subject) == 1)
      #expect(subject.report.hasPrefix("BUG kmalloc-64: kfree_nolock of a kmalloc object\n"))
      // Reported, and freed all the same.
      expectSound(subject)
      let large = subject.kmalloc(10_000)
      subject.kfreeNolock(large)
      #expect(subject.report.hasPrefix("BUG kfree_nolock of whole pages\n"))
      subject.kfree(large)
      #expect(errors(subject) == 2)
    }

    @Test func kmallocNolockAboveTheLargestBucket() throws {
      let subject = try fresh()
      #expect(subject.kmallocNolock(8192) != 0)
      #expect(subject.kmallocNolock(8193) == 0)
      #expect(errors(subject) == 1)
      #expect(subject.report.contains("kmalloc_nolock above 8192 bytes\n"))
      #expect(subject.report.contains("8193 bytes requested\n"))
    }

    @Test func foreignPointers() throws {
      let subject = try fresh()
      let object = subject.kmalloc(64, gfp: NOLOCK_GFP_ACCOUNT.rawValue)
      let another = Subject.heap.kmalloc(64)
      defer { Subject.heap.kfree(another) }
      for (pointer, name) in [
        (object + 8, "kmalloc-cg-64: Invalid object pointer"),
        (another, "Free of no object"),
        (UInt(0x1000), "Free of no object"),
      ] {
        let before = errors(subject)
        subject.kfree(pointer)
        subject.kfreeNolock(pointer)
        #expect(errors(subject) == before + 2)
        #expect(subject.report.hasPrefix("BUG \(name)\nobject 0x\(String(pointer, radix: 16))"))
      }
      subject.kfree(object)
      expectSound(subject)
    }

    /// Object, bucket, and the calls that allocated, freed and found.
    @Test func aReportNamesTheCallSites() throws {
      let subject = try fresh()
      let object = subject.kmalloc(64)
      subject.kfree(object)
      subject.kfreeNolock(object)
      let lines = subject.report.split(separator: "\n").map(String.init)
      #expect(lines.count == 5)
      #expect(
        lines[1] == "object 0x\(String(object, radix: 16)), bucket 64, 64 bytes requested")
      // Three calls of this bundle's code.
      let sites = try zip(lines[2...], ["allocated at ", "last freed at ", "found at "]).map {
        (line: String, prefix: String) throws -> UInt in
        #expect(line.hasPrefix(prefix))
        let word = line.dropFirst(prefix.count).prefix { $0 != " " }
        return try #require(UInt(word.dropFirst(2), radix: 16), "\(line)")
      }
      #expect(Set(sites).count == 3)
      for site in sites { #expect(sweep_is_own_code(site) == 1, "\(site)") }
    }

    @Test func reportsGoToStderrOnlyWhenAsked() throws {
      let subject = try fresh()
      #expect(try StandardError.said({ subject.kfree(0x1000) }) == "")
      #expect(subject.control("report_to_stderr", 1) == 0)
      #expect(try StandardError.said({ subject.kfree(0x2000) }) == subject.report)
      // A nolock call prints nothing; the next ordinary one does.
      #expect(try StandardError.said({ subject.kfreeNolock(0x3000) }) == "")
      #expect(try StandardError.said({ subject.kfree(0) }) == subject.report)
      #expect(subject.control("report_to_stderr", 2) == -1)
      #expect(Subject.sheaves.control("report_to_stderr", 1) == -1)
      #expect(Subject.sheaves.control("validate", 0) == -1)
    }

    @Test func theProcessEndsWhereThatWasAsked() async {
      await #expect(processExitsWith: .failure) {
        let subject = unsafe Subject(BuiltIn.sheavesDebug.subject!, "sheaves+debug")
        _ = subject.control("abort_on_error", 1)
        subject.kfreeNolock(0x1000)
      }
    }

    /// kernel-reference §4.5: a raw NULL in the slot of a deferred object.
    @Test func defectFalseFreepointerCorrupt() throws {
      func errorsOfRightUse(_ subject: Subject) -> Int {
        for _ in 0..<10 { subject.kfreeNolock(subject.kmallocNolock(64)) }
        subject.barrier()
        return errors(subject)
      }
      #expect(errorsOfRightUse(try fresh()) == 0)
      let broken = try fresh(["NOLOCK_BROKEN_RAW_NULL"])
      #expect(errorsOfRightUse(broken) == 10)
      #expect(broken.report.hasPrefix("BUG kmalloc-64: Freepointer corrupt\n"))
    }

    /// Checks in a handler at every instruction of a checked call: nothing is found, nobody waits.
    @Test(
      .enabled(if: nl_step_available() == 1, "the trap flag is x86_64's"),
      arguments: [
        [SWEEP_KMALLOC, SWEEP_KFREE], [SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK],
      ])
    func anyContextSafe(_ calls: [sweep_operation]) throws {
      let subject = unsafe Subject(BuiltIn.sheavesDebug.subject!, "sheaves+debug")
      subject.kfree(subject.kmalloc(64))
      subject.barrier()
      let moved = subject.moved {
        onNewThread {
          let sweep = Sweep(subject, size: 64)
          for _ in 0..<3 {
            let object = sweep.run(calls[0])
            if object != 0 { sweep.run(calls[1], object) }
          }
          #expect(sweep.handlerAllocated > 100)
          #expect(sweep.violations == 0)
          let books = sweep.end()
          #expect(books.allocated == books.freed)
        }
        subject.barrier()
        #expect(subject.control("validate", 0) == 0)
      }
      #expect(moved["slab_errors"] == nil, "\(subject.report)")
      // Interrupted with list_lock held.
      #expect(moved["list_lock_busy", default: 0] > 0)
      #expect(moved["free_deferred"] == moved["deferred_drained"])
      #expect(subject.live == 0)
    }
  }
}
