import CNolock
import CPlatform
import Glibc
import Testing

// Defects about those who wait until work is done.

extension AllocatorTests.Defects {
  /// Two nodes, so that each nolock free of the other's objects is deferred.
  private func deferring(_ subject: Subject) throws -> () -> Void {
    try #require(subject.control("nodes", 2) == 0)
    return {
      let remote = (0..<300).map { _ in subject.kmallocNolock(64, node: 1) }
      for object in remote { subject.kfreeNolock(object) }
    }
  }

  /// The kernel: irq_work_sync() by two waiters at once.  One comes while another drains: what that
  /// one detached is on no list, and still not free.
  @Test func twoWaitersForTheDeferredWork() throws {
    /// Deferred objects that the second waiter found not free.
    func left(_ subject: Subject) throws -> Int {
      let work = try deferring(subject)
      let events = Events()
      var left = -1
      onNewThread {
        work()
        let me = nl_gettid()
        let hook = { (point: nl_probe_point) in
          guard point == NL_PROBE_DRAIN, nl_gettid() == me, !events.has("drains") else { return }
          events.signal("drains")
          // The sound waiter waits for us.
          _ = usleep(20_000)
        }
        let second = Concurrent {
          events.wait(for: "drains")
          subject.barrier()
          let s = subject.statistics
          events.signal("left \(s["free_deferred"]! - s["deferred_drained"]!)")
        }
        ProbeHook.with(subject, hook) {
          subject.barrier()
          #expect(second.join())
        }
        left = (0...300).first { events.has("left \($0)") } ?? -1
      }
      #expect(subject.live == 0)
      return left
    }
    #expect(try left(Self.probed()) == 0)
    #expect(try left(Self.probed(broken: true)) == 300)
  }

  /// The same with the worker, under load.
  @Test func waitersUnderLoad() throws {
    let subject = try Subject.fresh()
    let work = try deferring(subject)
    var threads: [Concurrent] = []
    for _ in 0..<2 {
      threads.append(
        Concurrent {
          for _ in 0..<20 {
            // The drained are never fewer than what was deferred before the call.
            let before = subject.statistics["free_deferred"]!
            subject.barrier()
            #expect(subject.statistics["deferred_drained"]! >= before)
          }
        })
    }
    for _ in 0..<20 { work() }
    for thread in threads { #expect(thread.join()) }
    subject.barrier()
    #expect(subject.live == 0)
    let s = subject.statistics
    #expect(s["free_deferred"] == 6000 && s["deferred_drained"] == 6000)
  }

  /// The kernel, PREEMPT_RT: a flush whose trylock failed did nothing.  Here a thread holds its line,
  /// main full, until the flusher has found it so.
  @Test func flushOfMainDoesNothingOnRT() throws {
    /// Objects that the flush returned.
    func flushed(_ flags: [String]) throws -> Int {
      let subject = try Subject.fresh("sheaves-rt", flags: ["NOLOCK_PROBES"] + flags)
      let events = Events()
      var moved: [String: Int] = [:]
      onNewThread {
        let me = nl_gettid()
        let objects = (0..<200).map { _ in subject.kmalloc(64) }
        let before = subject.statistics
        let hook = { (point: nl_probe_point) in
          guard point == NL_PROBE_LINE_FREE, nl_gettid() == me, !events.has("holds") else { return }
          events.signal("holds")
          for _ in 0..<5000 {
            if subject.statistics["remote_not_taken"]! > before["remote_not_taken"]! { break }
            _ = usleep(1000)
          }
        }
        let flusher = Concurrent {
          events.wait(for: "holds")
          subject.flush()
        }
        ProbeHook.with(subject, hook) {
          for object in objects { subject.kfree(object) }
          #expect(flusher.join())
        }
        moved = subject.statistics.merging(before) { $0 - $1 }
        #expect(moved["remote_not_taken", default: 0] >= 1)
      }
      subject.flush()
      #expect(subject.live == 0)
      return moved["objects_flushed", default: 0]
    }
    #expect(try flushed([]) >= 60)
    #expect(try flushed(["NOLOCK_BROKEN_RT_FLUSH"]) == 0)
  }
}
