// step.h: running one call with the trap flag set, so that a signal arrives after every
// instruction of it.  x86_64 only; needs neither a PMU nor a debugger.
//
// Limits (docs/workarounds.md): SIGTRAP must not be blocked; not for thread creation, fork or
// futex waits; the boundary right behind a `syscall` instruction is lost.
#ifndef NL_STEP_H
#define NL_STEP_H

#include <stdint.h>
#include "compiler.h"

/// Called in the SIGTRAP handler at every boundary: `boundary` counts traps from 1, `rip` is the
/// instruction that would run next.  Not itself stepped.
typedef void (*nl_step_visitor)(void *NL_NULLABLE context, long boundary, uintptr_t rip);

struct nl_step {
  nl_step_visitor NL_NULLABLE visit;
  void *NL_NULLABLE context;
  /// Out: instructions executed (a `rep` counts once) and raw traps, from the call instruction's
  /// target to its return, both included.
  long instructions, traps;
  /// For the visitor: the stack pointer at this boundary.
  uintptr_t stack;
  /// Set by the visitor: the rest of the call runs at full speed.
  int stop;
};

/// 1 where single-stepping works; 0 where it does not (another architecture).
int nl_step_available(void);

/// Calls `operation(argument)` on this thread under the trap flag.  Installs its SIGTRAP handler
/// for the time of the call.  One stepped thread at a time in a process; a visitor may step a call
/// of its own.
void nl_step_run(struct nl_step *NL_NONNULL step, void (*NL_NONNULL operation)(void *NL_NULLABLE),
                 void *NL_NULLABLE argument);

#endif
