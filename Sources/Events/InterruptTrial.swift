import CPlatform
import Foundation

extension EventTrial {
  /// Why a hardware breakpoint cannot be set by this process; nil iff one opened.
  public static func breakpointProblem() -> String? {
    let count = nl_perf_try_breakpoints()
    if count > 0 { return nil }
    if -count == ENOSPC { return "ENOSPC: every breakpoint of the processor is taken" }
    return reason(
      -count,
      NamedEvent(
        name: "breakpoint", type: 5, flags: NL_PERF_EXCLUDE_KERNEL.rawValue, config: 0,
        config1: 0, config2: 0, pmu: "breakpoint"))
  }

  /// Why single-stepping does not work here; nil iff it does.
  public static func stepProblem() -> String? {
    nl_step_available() == 0 ? "single-stepping needs x86_64" : nil
  }
}
