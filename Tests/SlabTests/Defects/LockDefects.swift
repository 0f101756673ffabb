import CNolock
import CPlatform
import TestSupport
import Testing

// Defects about locks that nolock calls take, or wait for.

extension AllocatorTests.Defects {
  /// The kernel: on one CPU spin_trylock() in an NMI always succeeded, whoever held the lock.  Here
  /// a nolock call comes in between at every point at which its own thread has a lock.
  @Test func trylockOnOneCPU() throws {
    func refused(_ subject: Subject) -> [String: Int] {
      var served: [UInt] = []
      let moved = subject.moved {
        onNewThread {
          #expect(nl_thread_pin(0) == 0)
          var isInside = false
          let hook = { (point: nl_probe_point) in
            if isInside { return }
            isInside = true
            for size in BucketsTests.sizes { served.append(subject.kmallocNolock(size)) }
            isInside = false
          }
          ProbeHook.with(subject, hook) {
            for size in BucketsTests.sizes { served.append(subject.kmalloc(size)) }
          }
        }
      }
      served.removeAll { $0 == 0 }
      #expect(Set(served).count == served.count)
      for object in served { subject.kfree(object) }
      #expect(subject.live == 0)
      return moved.filter { ["list_lock_busy", "zone_lock_busy"].contains($0.key) }
    }
    #expect(try refused(Self.probed()).count == 2)
    #expect(try refused(Self.probed(broken: true)) == [:])
  }

  /// The same with locks held by hand: they stay held.
  @Test func aLockHeldByThisThreadStaysHeld() {
    let subject = Subject.sheaves
    onNewThread {
      #expect(nl_thread_pin(0) == 0)
      subject.kfree(subject.kmalloc(8192))
      let vcpu = unsafe nl_get_vcpu_sheaves()
      let tid = unsafe vcpu.pointee.tid
      let line = unsafe nl_vcpu_at_line(vcpu, Int(NL_LINE_FIRST.rawValue) + 12)
      let list = unsafe nl_node_at_lock(
        nl_cache_at_node(nl_instance_at_cache(nl_get_instance_sheaves(), 12)))
      let zone = unsafe nl_zone_at_lock(nl_instance_at_zone(nl_get_instance_sheaves(), 0))
      unsafe nl_line_set_lock(line, 1)
      unsafe list.pointee.word = tid
      unsafe zone.pointee.word = tid
      let moved = subject.moved { #expect(subject.kmallocNolock(8192) == 0) }
      #expect(unsafe list.pointee.word == tid)
      #expect(unsafe zone.pointee.word == tid)
      unsafe zone.pointee.word = 0
      unsafe list.pointee.word = 0
      unsafe nl_line_unlock(line)
      #expect(moved == ["line_busy": 1, "list_lock_busy": 1, "nolock_null": 1])
    }
    #expect(subject.live == 0)
  }

  /// The designed-out endless loop: list_lock is taken by somebody between the look at the partial
  /// list and the new slab's publication.  The slab goes back, and the next bucket serves.
  @Test func listLockIsLostAfterMakingASlab() throws {
    let subject = try Self.probed()
    let events = Events()
    var object: UInt = 0
    var moved: [String: Int] = [:]
    onNewThread {
      let me = nl_gettid()
      var other: Concurrent?
      let hook = { (point: nl_probe_point) in
        if nl_gettid() != me {
          // The other thread, making its first sheaf of 512 bytes.
          if point == NL_PROBE_LIST_LOCK, !events.has("let go") {
            events.signal("has list_lock")
            events.wait(for: "let go")
          }
        } else if point == NL_PROBE_ZONE_LOCK, other == nil {
          other = Concurrent { subject.kfree(subject.kmalloc(64)) }
          #expect(events.wait(for: "has list_lock"))
        }
      }
      ProbeHook.with(subject, hook) {
        #expect(subject.threadAttach() == 0)
        moved = subject.moved { object = subject.kmallocNolock(512) }
        events.signal("let go")
        #expect(other?.join() == true)
      }
    }
    #expect(moved["slab_returned"] == 1)
    #expect(moved["list_lock_busy"] == 1)
    #expect(moved["next_bucket"] == 1)
    #expect(subject.ksize(object) == 1024)
    subject.kfree(object)
    #expect(subject.live == 0)
  }

  /// A cpuset's sequence counter, get_random()'s local lock, and the lock of the accounting stock's
  /// drain: nothing that a nolock call reaches waits, asks a clock or fetches random numbers.
  @Test(
    .enabled(if: ObjectCode.hasObjdump, "objdump (Debian package binutils) is not installed"),
    arguments: ["kmalloc_nolock", "kfree_nolock", "alloc_from_sheaf"])
  func nolockCallsReachSomethingThatWaits(_ entry: String) throws {
    let code = try #require(ObjectCode(of: TestObjects.build()))
    func waiting(_ entry: String) -> [String] {
      code.reachable(from: ["nl_sheaves_" + entry]).filter { name in
        let isSystemCall = code.functions[name, default: []].contains { $0.contains("\tsyscall") }
        // attach: gettid, once.
        return isSystemCall && !name.contains("attach") || name.contains("acquireContended")
          || ["random", "futex", "mutex", "clock_", "gettime"].contains {
            name.lowercased().contains($0)
          }
      }
    }
    #expect(code.functions["nl_sheaves_" + entry] != nil)
    #expect(waiting(entry) == [])
    // What the search would show.
    #expect(waiting("kmalloc").contains { $0.contains("acquireContended") })
    #expect(waiting("kfree").contains { $0.contains("acquireContended") })
  }
}
