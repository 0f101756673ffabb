import CNolock
import CSweep
import Testing

@testable import Slab

extension AllocatorTests {
  /// What a thread declares of itself, and interrupts that are held off meanwhile.
  @Suite(.serialized) struct Contexts {
    @Test func declarationsNestAndAreRestored() {
      onNewThread {
        #expect(Context.current == .undeclared)
        let outer = Context.task.enter()
        #expect(outer == .undeclared && Context.current == .task)
        let inner = Context.softirq.irqsOff.enter()
        #expect(inner == .task && Context.current == .softirq.irqsOff)
        let innermost = Context.nmi.enter()
        #expect(innermost == .softirq.irqsOff)
        #expect(innermost.enter() == .nmi)
        #expect(inner.enter() == .softirq.irqsOff)
        #expect(outer.enter() == .task)
        #expect(Context.current == .undeclared)
      }
    }

    @Test func aThreadsDeclarationIsItsOwn() {
      let before = Context.hardirq.enter()
      onNewThread { #expect(Context.current == .undeclared) }
      #expect(before.enter() == .hardirq)
    }

    @Test(arguments: [5, 7, 32, 0x8000_0001] as [UInt32])
    func whatIsNoContextIsRefused(_ value: UInt32) {
      let subject = Subject.heap
      #expect(unsafe subject.ops.pointee.context(value) == ~0)
      #expect(Context.current == .undeclared)
    }

    /// Real signals, in C because their handler runs here.
    @Test(arguments: Subject.all + Subject.rt)
    func interruptsOffHoldOffSignalsUntilTheOutermostRestore(_ subject: Subject) {
      onNewThread {
        let seen = unsafe sweep_mask(subject.ops)
        #expect(seen.on == 1)
        #expect(seen.off == 0)
        #expect(seen.refused == 3)
        #expect(seen.restored.0 == 1)
        #expect(seen.restored.1 == 1)
        #expect(seen.declared == NOLOCK_CONTEXT_TASK.rawValue)
      }
    }

    /// Outside PREEMPT_RT a declaration changes nothing: every nolock call may be in an NMI.
    @Test(arguments: Subject.all)
    func withoutRTEveryContextIsServed(_ subject: Subject) {
      for context in [
        NOLOCK_CONTEXT_UNKNOWN, NOLOCK_CONTEXT_TASK, NOLOCK_CONTEXT_HARDIRQ, NOLOCK_CONTEXT_NMI,
      ] {
        let object = subject.declared(context) { subject.kmallocNolock(64) }
        #expect(object != 0)
        subject.declared(context) { subject.kfreeNolock(object) }
      }
      subject.barrier()
      #expect(subject.live == 0)
    }
  }
}
