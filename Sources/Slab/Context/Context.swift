import CNolock
import CPlatform

/// What a thread is doing, for those who model a kernel: then nolock calls know more than that they
/// may be in an NMI.  Nobody who just calls from a signal handler has to declare anything.
///
/// A declaration holds for the thread until it makes another one, so also for handlers that
/// interrupt it: a handler that is to count as an interrupt declares that first, and declares what
/// it found before it returns.
public struct Context: Equatable, Sendable {
  /// Bits of nolock.h's `enum nolock_context`.
  public let rawValue: UInt32

  init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// Nothing is known: nolock calls assume NMI.
  public static var undeclared: Context { Context(NOLOCK_CONTEXT_UNKNOWN.rawValue) }
  /// May sleep, unless `irqsOff` or `preemptOff` says otherwise.
  public static var task: Context { Context(NOLOCK_CONTEXT_TASK.rawValue) }
  public static var softirq: Context { Context(NOLOCK_CONTEXT_SOFTIRQ.rawValue) }
  public static var hardirq: Context { Context(NOLOCK_CONTEXT_HARDIRQ.rawValue) }
  public static var nmi: Context { Context(NOLOCK_CONTEXT_NMI.rawValue) }

  /// The same with interrupts off: signals that ask by `defersInterrupt` wait.
  public var irqsOff: Context { Context(rawValue | NOLOCK_CONTEXT_IRQS_OFF.rawValue) }
  /// The same with preemption off.
  public var preemptOff: Context { Context(rawValue | NOLOCK_CONTEXT_PREEMPT_OFF.rawValue) }

  /// The calling thread's.
  public static var current: Context { Context(nl_task_context()) }

  /// Declares this context for the calling thread and returns the one to declare at the end.
  /// Signals that were held off arrive before this returns, once interrupts are on.
  ///
  /// - Context: any, nested in handlers to any depth.
  /// - Progress: wait-free; a system call for each signal that was held off.
  /// - Complexity: O(1).
  /// - Ordering: none.
  public func enter() -> Context { Context(nl_task_enter(rawValue)) }

  /// For a handler of class hard IRQ, first thing: true if interrupts are off and the handler must
  /// return; `signal` (1...64) is then sent to the thread again when they are back on.
  ///
  /// - Context: the handler.
  /// - Progress: wait-free.
  /// - Complexity: O(1).
  /// - Ordering: none.
  public static func defersInterrupt(_ signal: Int32) -> Bool { nl_task_hold_off(signal) != 0 }
}

extension Context {
  private var kind: UInt32 { rawValue & 7 }

  /// RT: whether a lock may even be tried.  Not in hard IRQ and NMI: to give it back may mean to
  /// wake somebody.
  @inline(__always)
  static var allowsTrylock: Bool {
    let kind = current.kind
    return kind == NOLOCK_CONTEXT_TASK.rawValue || kind == NOLOCK_CONTEXT_SOFTIRQ.rawValue
  }

  /// RT: whether the caller may wait for a lock that another task holds.
  ///
  /// Not while it has a lock of the allocator: then it runs in a handler that interrupted a call of
  /// its own, and the other task may be waiting for that.
  @inline(__always)
  static var allowsBlocking: Bool {
    nl_task_context() == NOLOCK_CONTEXT_TASK.rawValue && nl_task_held() == 0
  }

  /// True if `rawValue` is one of the kinds, with any of the two flags.
  static func isKnown(_ rawValue: UInt32) -> Bool {
    let flags = NOLOCK_CONTEXT_IRQS_OFF.rawValue | NOLOCK_CONTEXT_PREEMPT_OFF.rawValue
    return rawValue & ~flags <= NOLOCK_CONTEXT_NMI.rawValue
  }
}

/// As `enter`; all ones, and nothing declared, for a value that is none.
@c(nolock_context)
public func nolockContext(_ context: UInt32) -> UInt32 {
  Context.isKnown(context) ? Context(context).enter().rawValue : ~0
}

/// As `defersInterrupt`.
@c(nolock_defer_irq)
public func nolockDeferIRQ(_ signal: Int32) -> Int32 { nl_task_hold_off(signal) }
