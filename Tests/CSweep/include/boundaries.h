// boundaries.h: one call in one state, interrupted at its instruction boundaries, each time from
// the very same state: the process is forked in the trap handler, the child's handler works, the
// child's call goes on, and the child's books must balance.  The parent's call goes on undisturbed.
#ifndef BOUNDARIES_H
#define BOUNDARIES_H

#include <stddef.h>
#include <stdint.h>
#include "../../../Sources/CNolock/include/nolock.h"
#include "../../../Sources/CPlatform/include/boundary.h"

enum {
  BOUNDARIES_LINEAR = 1,   ///< one run, the handler works at every boundary of it
  BOUNDARIES_FRESH = 2,    ///< a child per boundary: the state is fresh at each
  BOUNDARIES_NESTED = 4,   ///< a child per boundary whose handler is interrupted at every boundary
  BOUNDARIES_PRODUCT = 8,  ///< NESTED with a grandchild per pair of boundaries
  BOUNDARIES_FROZEN = 16,  ///< a child per boundary that stops there while another thread works
};

/// What a child found, as its exit status.  0: nothing.
enum boundaries_finding {
  BOUNDARIES_TWICE = 1,       ///< an object was handed out twice, or a live one was written to
  BOUNDARIES_UNBALANCED = 2,  ///< the allocator's count of live objects is not ours
  BOUNDARIES_LOST = 3,        ///< a deferred free never came out of its list, or was given up
  BOUNDARIES_WAITED = 4,      ///< nolock calls did not end while another thread was frozen
  BOUNDARIES_FLUSHED = 5,     ///< a remote flush took a held line, or left a free one
  BOUNDARIES_FLUSH_WAITED = 6,  ///< a remote flush waited for a frozen thread without its locks
  BOUNDARIES_DIED = 7,        ///< killed by a signal
  BOUNDARIES_HUNG = 8,        ///< by its alarm
};

/// When a remote flush takes nothing from the frozen thread.
enum boundaries_flush {
  BOUNDARIES_NO_FLUSH = 0,      ///< there is none
  BOUNDARIES_TAKES_FREE = 1,    ///< where that thread holds its line
  BOUNDARIES_ONLY_ASKS = 2,     ///< ever: the owner gives up later
  BOUNDARIES_HAS_NOTHING = 3,   ///< never: it has nothing that could be refused
};

enum { BOUNDARIES_FOREIGN = 512, BOUNDARIES_RIPS = 1 << 17 };

struct boundaries_count {
  long processes, handlers;   ///< handlers: at how many boundaries one worked
  long allocated, null, freed;
};

/// Everything about one state; in memory that the processes share.
struct boundaries {
  const struct nolock_ops *_Nullable ops;
  size_t size;
  unsigned modes;
  /// Of a call with more boundaries, those of an instruction that it meets more than three times
  /// are: the first, the second and the last, and of all these `most`.  LINEAR takes all.
  long limit;
  long most;      ///< FROZEN: at most so many boundaries, evenly spread
  int drains;     ///< FROZEN: the other thread also drains what the frozen one deferred
  /// FROZEN: the other thread also tries a remote flush, which takes nothing
  enum boundaries_flush flushes;
  int declares;   ///< PREEMPT_RT: a handler declares a soft interrupt, without which it gets nothing
  /// FROZEN: the call takes locks that ordinary callers, and the flusher is one, wait for.
  int takes_central_locks;
  long foreign_count;
  void *_Nullable foreign[BOUNDARIES_FOREIGN];
  // Results.
  long traps, instructions, chosen, chosen_frozen;
  struct boundaries_count linear, fresh, nested, frozen;
  long frozen_held;       ///< boundaries at which the frozen thread held its line
  long frozen_not_taken;  ///< of those, a remote flush said that it took nothing
  long frozen_central;    ///< boundaries at which it held a lock that ordinary callers wait for
  long frozen_calls;      ///< nolock calls completed meanwhile
  long slabs_deferred;    ///< children in which a nolock call deferred the deactivation of a slab
  long findings;
  int first_finding, first_mode;
  long first_boundary;
  uintptr_t rip[BOUNDARIES_RIPS];
  unsigned char take[BOUNDARIES_RIPS];  ///< 1: FRESH and NESTED, 2: FROZEN
};

/// Allocates objects on another thread for the handlers to free.  0, or an errno.
int boundaries_add_foreign(struct boundaries *_Nonnull, long count);
/// Forgets the results of the state before; `foreign` objects are there again in every child.
void boundaries_reset(struct boundaries *_Nonnull, long foreign);
/// One line of name=value words on standard output.
void boundaries_print(const struct boundaries *_Nonnull, const char *_Nonnull name);
/// Keeps the kernel from wiping the allocator's fork marker in children: they are to be copies, not
/// forked programs.  Returns the pages found.
int boundaries_keep_on_fork(void);

/// Atlas.Experiment's two functions; `context` is a struct boundaries.
void boundaries_perform(void *_Nonnull context, struct nl_call *_Nonnull call);
void boundaries_finish(void *_Nonnull context, const struct nl_leftover *_Nonnull leftover);

#endif
