import CPlatform

/// Instructions of many calls by the processor's counter, to be set beside their exact count.
///
/// The counter sees the loop around the calls too.  So the loop is counted a second time with empty
/// calls, whose own instructions are known by single-step: the difference is the calls alone.
public enum InstructionsOfCalls {
  /// PERF_COUNT_HW_INSTRUCTIONS of this thread in user mode.
  public static var event: CountedEvent {
    CountedEvent(
      event: nl_perf_event(
        type: 0, flags: NL_PERF_EXCLUDE_KERNEL.rawValue | NL_PERF_EXCLUDE_HV.rawValue, config: 1,
        config1: 0, config2: 0),
      fallback: .none, isHardware: true)
  }

  /// What the calls took: `loop`, less `emptyLoop`, and again what the empty calls took in it.
  ///
  /// The times are those of the loop of calls.  ERANGE where the loop of calls shows less than the
  /// empty one; another error is passed on.
  public static func of(
    loop: EventCount, emptyLoop: EventCount, emptyCalls: UInt64
  ) -> EventCount {
    var result = loop
    if result.error == 0 { result.error = emptyLoop.error }
    guard result.error == 0 else { return result }
    let (sum, overflow) = loop.value.addingReportingOverflow(emptyCalls)
    if overflow || sum < emptyLoop.value {
      // errno's ERANGE, without a system's header.
      result.error = 34
      result.value = 0
    } else {
      result.value = sum - emptyLoop.value
    }
    return result
  }
}
