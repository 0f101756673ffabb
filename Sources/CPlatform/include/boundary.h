// boundary.h: one allocator call under the stepper: its exact instructions, and its boundaries.
//
// Why C: a call through a pointer whose first instruction must be recognised, and a raw fork.
#ifndef NL_BOUNDARY_H
#define NL_BOUNDARY_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler.h"

typedef void *NL_NULLABLE (*nl_call_allocate)(size_t size, uint32_t gfp, int32_t node);
typedef void (*nl_call_release)(void *NL_NULLABLE object);

/// One call: an allocation, or a free where `allocate` is NULL.
struct nl_call {
  nl_call_allocate NL_NULLABLE allocate;
  nl_call_release NL_NULLABLE release;
  size_t size;             ///< bytes asked for
  void *NL_NULLABLE object;  ///< in: what to free; out: what was allocated
};

/// What one call executed, from its first instruction to its `ret`, both included.
struct nl_call_count {
  long instructions;  ///< a `rep` counts once
  long traps;         ///< a `rep` counts each time; the boundary behind a `syscall` is lost
  long system_calls;
  long pauses;        ///< `pause`: the hint of a spin loop
};

/// Called before every instruction of the call: `boundary` counts from 1.  Nonzero: the rest runs
/// at full speed.
typedef int (*nl_boundary_visitor)(void *NL_NULLABLE context, long boundary, uintptr_t rip);

/// Runs the call without stepping it.
void nl_call_run(struct nl_call *NL_NONNULL call);
/// Runs the call stepped.  May be used by a visitor, for a call inside the call.
struct nl_call_count nl_call_step(struct nl_call *NL_NONNULL call,
                                  nl_boundary_visitor NL_NULLABLE visit, void *NL_NULLABLE context);

/// What a state left to be freed by ordinary calls.
struct nl_leftover {
  void *NL_NULLABLE const *NL_NULLABLE objects;
  long count;
  int reached;  ///< 1: the counters say that the call was made in the state
};

/// 0 only where the x86 instruction at `code` surely writes no memory: what a handler of ours meets
/// before and after it is the same.  1 for all that is not known here, calls and pushes included.
int nl_boundary_may_write(const unsigned char *NL_NONNULL code);

/// fork() without the C library's handlers, because it is called in a signal handler.  The child
/// is killed after `seconds`.  As fork().
int32_t nl_boundary_fork(unsigned seconds);
/// The status of child `pid` as of waitpid(); -1 if it cannot be had.
int nl_boundary_wait(int32_t pid);
/// Ends a child at once.
void nl_boundary_exit(int code) __attribute__((noreturn));
/// Zeroed memory that children share; NULL if there is none.
void *NL_NULLABLE nl_boundary_shared(size_t bytes);

/// What a handler's call at one boundary came to.
struct nl_outcome {
  uint32_t state;          ///< enum nl_outcome_state
  uint32_t instructions, system_calls, pauses;
  uint32_t is_null, usable;  ///< of an allocation; usable: bytes of its bucket
  uint64_t changed[2];     ///< bit i: the subject's i-th counter grew
};
enum nl_outcome_state {
  NL_OUTCOME_NONE = 0,     ///< not tried, or its process did not reach an end
  NL_OUTCOME_OK = 1,
  NL_OUTCOME_TWICE = 2,    ///< an object was handed out twice afterwards
  NL_OUTCOME_UNFINISHED = 3,  ///< the call ended, the interrupted operation did not
  NL_OUTCOME_OTHER = 4,    ///< unstepped, it came to something else than where it was stepped
};

/// One boundary of the interrupted call, in memory shared with the children.
struct nl_boundary {
  uintptr_t rip;
  uint32_t loop;           ///< how often the call stands before this instruction
  uint32_t chosen;         ///< 1: interrupted here
  struct nl_outcome allocation, release;
};

#endif
