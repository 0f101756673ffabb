import CPlatform
import Injection

/// The handler of all interrupt sources.  Touches the thread's block and nothing else, keeps errno.
func onInterrupt(
  _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let raw = unsafe nl_thread_get(), let info = unsafe info else { return }
  let saved = nl_signal_errno()
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  // A breakpoint inside the handler's own calls is not one more interrupt.
  if unsafe nl_thread_load_acquire_32(&block.pointee.armed) == 1, unsafe !block.pointee.inHandler {
    if unsafe block.pointee.shared.pointee.plan.maskable, nl_task_hold_off(signal) == 1 {
      unsafe block.pointee.counts.masked &+= 1
    } else {
      unsafe block.pointee.inHandler = true
      nl_thread_handler_fence()
      unsafe block.pointee.counts.signals &+= 1
      let first = unsafe signal == block.pointee.source.kind.signal
      if first {
        unsafe block.pointee.counts.coalesced &+= block.pointee.source.arrived(info)
      } else {
        unsafe block.pointee.counts.coalesced &+= block.pointee.second.arrived(info)
      }
      if unsafe block.pointee.shared.pointee.plan.handlerAllocates {
        unsafe block.pointee.traffic.signal(&block.pointee.counts, own: &block.pointee.toHandler)
      }
      let late = unsafe first ? block.pointee.source.lateness() : block.pointee.second.lateness()
      if let late { unsafe block.pointee.lateness.record(late) }
      nl_thread_handler_fence()
      unsafe block.pointee.inHandler = false
    }
  }
  nl_signal_set_errno(saved)
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
