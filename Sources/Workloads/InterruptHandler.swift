import CPlatform
import Glibc
import Injection

/// The handler of all interrupt sources.  Touches the thread's block and nothing else, keeps errno.
func onInterrupt(
  _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let raw = unsafe nl_thread_get(), let info = unsafe info else { return }
  let saved = nl_signal_errno()
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  let armed = unsafe nl_thread_load_acquire_32(&block.pointee.armed) == 1
  if armed, unsafe block.pointee.inHandler {
    // A breakpoint inside the handler's own calls is not one more interrupt; an arrival while a
    // probe's handler runs is one with it, and its source must go on.
    if signal != SIGTRAP {
      unsafe block.pointee.counts.coalesced &+= 1 &+ arrived(block, signal, info)
    }
  } else if armed {
    let entered = nl_clock_monotonic_ns()
    let first = unsafe signal == block.pointee.source.kind.signal
    if unsafe block.pointee.shared.pointee.plan.maskable, nl_task_hold_off(signal) == 1 {
      unsafe block.pointee.counts.masked &+= 1
      if first {
        unsafe block.pointee.source.heldOff(info)
      } else {
        unsafe block.pointee.second.heldOff(info)
      }
    } else {
      unsafe block.pointee.inHandler = true
      nl_thread_handler_fence()
      unsafe block.pointee.counts.signals &+= 1
      unsafe block.pointee.counts.coalesced &+= arrived(block, signal, info)
      if unsafe block.pointee.shared.pointee.plan.handlerAllocates {
        unsafe block.pointee.traffic.signal(&block.pointee.counts, own: &block.pointee.toHandler)
      }
      let ended = nl_clock_monotonic_ns()
      unsafe block.pointee.inside.record(ended > entered ? ended &- entered : 0)
      if first {
        if let late = unsafe block.pointee.source.lateness(ended) {
          unsafe block.pointee.lateness.record(late)
          if unsafe block.pointee.source.isLate(late) { unsafe block.pointee.counts.late &+= 1 }
        }
      } else if let late = unsafe block.pointee.second.lateness(ended) {
        unsafe block.pointee.lateness.record(late)
        if unsafe block.pointee.second.isLate(late) { unsafe block.pointee.counts.late &+= 1 }
      }
      nl_thread_handler_fence()
      unsafe block.pointee.inHandler = false
    }
  }
  nl_signal_set_errno(saved)
}

@inline(__always)
private func arrived(
  _ block: UnsafeMutablePointer<ThreadBlock>, _ signal: Int32, _ info: UnsafePointer<siginfo_t>
) -> UInt64 {
  if unsafe signal == block.pointee.source.kind.signal {
    return unsafe block.pointee.source.arrived(info)
  }
  return unsafe block.pointee.second.arrived(info)
}

/// irq step: called in the stepper's handler before every instruction of the foreground's calls.
func onStep(_ context: UnsafeMutableRawPointer?, _ boundary: Int, _ rip: UInt) -> Int32 {
  guard let raw = unsafe nl_thread_get() else { return 1 }
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  // Set-up and clean-up run at full speed.
  guard unsafe nl_thread_load_acquire_32(&block.pointee.armed) == 1 else { return 1 }
  unsafe handlerTraffic(block)
  return 0
}

/// irq probe: called by the subject at a point where it holds a lock.
func onProbe(_ point: UInt32) {
  guard let raw = unsafe nl_thread_get() else { return }
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  guard unsafe nl_thread_load_acquire_32(&block.pointee.armed) == 1,
    unsafe !block.pointee.inHandler
  else { return }
  unsafe block.pointee.inHandler = true
  nl_thread_handler_fence()
  if point < UInt32(NL_PROBE_POINTS) {
    unsafe block.pointee.probes.unsafelyUnwrapped[Int(point)] &+= 1
  }
  unsafe handlerTraffic(block)
  nl_thread_handler_fence()
  unsafe block.pointee.inHandler = false
}

@inline(__always)
private func handlerTraffic(_ block: UnsafeMutablePointer<ThreadBlock>) {
  unsafe block.pointee.counts.signals &+= 1
  if unsafe block.pointee.shared.pointee.plan.handlerAllocates {
    unsafe block.pointee.traffic.signal(&block.pointee.counts, own: &block.pointee.toHandler)
  }
}

/// The handler that replays a run of events of interrupt context.
func onReplay(
  _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let raw = unsafe nl_thread_get() else { return }
  let saved = nl_signal_errno()
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  unsafe block.pointee.counts.signals &+= 1
  unsafe replayInterruptRun(block)
  nl_signal_set_errno(saved)
}
