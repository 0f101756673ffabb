// survival.h: what a trial of `nolock run survival` and its watcher share: one page of a file that
// both map, so that a process that is killed has still said how far it came.
#ifndef NL_SURVIVAL_H
#define NL_SURVIVAL_H

#include <stdint.h>

enum nl_survival_phase { NL_SURVIVAL_STARTING = 0, NL_SURVIVAL_RUNS = 1, NL_SURVIVAL_ENDED = 2 };
enum nl_survival_verdict {
  NL_SURVIVAL_NONE = 0,
  NL_SURVIVAL_OK = 1,
  NL_SURVIVAL_CORRUPT = 2,  ///< an object's pattern was not its own: handed out twice
  NL_SURVIVAL_LOST = 3,     ///< the subject's books do not balance with the trial's
};
/// Exit codes of a trial besides 0.
enum { NL_SURVIVAL_EXIT_CORRUPT = 10, NL_SURVIVAL_EXIT_LOST = 11, NL_SURVIVAL_EXIT_UNAVAILABLE = 12 };

/// Written by the trial, one aligned word at a time; read by the watcher at any moment.
struct nl_survival {
  uint64_t phase;       ///< enum nl_survival_phase
  uint64_t verdict;     ///< enum nl_survival_verdict
  uint64_t signals;     ///< handlers run to their end
  uint64_t operations;  ///< of the interrupted thread; it must move on, or the trial is stuck
  uint64_t nulls;       ///< allocations in handlers that returned NULL
  /// Allocator time of a handler, in ns: the median; 0 before the end.  tick_ns: reading the clock.
  uint64_t handler_ns, tick_ns;
  uint64_t handler_calls;  ///< allocations and frees per signal in the steady state
  /// One malloc(64) and its free outside handlers, in ps, the loop included: the least of 21
  /// chunks of 2,000.
  uint64_t pair_ps;
};

#endif
