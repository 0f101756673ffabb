import CPlatform
import Injection

/// The handler of all interrupt sources.  Touches the thread's block and nothing else, keeps errno.
func onInterrupt(
  _ signal: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let raw = unsafe nl_thread_get(), let info = unsafe info else { return }
  let saved = nl_signal_errno()
  let block = unsafe raw.assumingMemoryBound(to: ThreadBlock.self)
  if unsafe nl_thread_load_acquire_32(&block.pointee.armed) == 1 {
    unsafe block.pointee.counts.signals &+= 1
    unsafe block.pointee.counts.coalesced &+= block.pointee.source.arrived(info)
    if unsafe block.pointee.shared.pointee.plan.handlerAllocates {
      unsafe block.pointee.traffic.signal(&block.pointee.counts, own: &block.pointee.toHandler)
    }
  }
  nl_signal_set_errno(saved)
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
