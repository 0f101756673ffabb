// slab_task.h: what the allocator knows of the calling thread besides its vCPU.
//
// Why C: Swift has no `__thread`.
#ifndef NL_SLAB_TASK_H
#define NL_SLAB_TASK_H

#include <stdint.h>
#include "slab_os.h"

/// All zero is valid: nothing declared.
struct nl_task {
  uint32_t tid;      ///< set by the first attach to a PREEMPT_RT instance
  uint32_t held;     ///< PREEMPT_RT locks of the allocator that the thread holds or is taking
  uint32_t context;  ///< enum nolock_context, as the thread declared it
  uint32_t parent;   ///< in the child of a fork: its tid before
  uint64_t pending;  ///< signals held off by NOLOCK_CONTEXT_IRQS_OFF; bit number - 1
};

extern __thread struct nl_task nl_task __attribute__((tls_model("initial-exec")));

// The thread's own handlers are the only other party: relaxed accesses, one instruction each.
#define NL_TASK(field)                                                               \
  NL_SIGNAL_SAFE static inline uint32_t nl_task_##field(void) {                      \
    return __atomic_load_n(&nl_task.field, __ATOMIC_RELAXED);                        \
  }                                                                                  \
  NL_SIGNAL_SAFE static inline void nl_task_set_##field(uint32_t v) {                \
    __atomic_store_n(&nl_task.field, v, __ATOMIC_RELAXED);                           \
    __atomic_signal_fence(__ATOMIC_SEQ_CST);                                         \
  }
NL_TASK(tid)
NL_TASK(held)
NL_TASK(context)

/// In the child of a fork, with its new tid stored: the tid under which the thread took the locks
/// that it holds.  Each instance asks; the first renews.
NL_SIGNAL_SAFE static inline uint32_t nl_task_forked_from(void) {
  uint32_t tid = nl_gettid();
  if (nl_task.tid != tid) {
    nl_task.parent = nl_task.tid;
    nl_task_set_tid(tid);
  }
  return nl_task.parent;
}

/// The bit of nl_task.context under which a signal of class hardirq waits.
#define NL_CONTEXT_IRQS_OFF 8u

/// In a handler: 1 if interrupts are off; the signal is then sent again when they are back on.
/// A second one meanwhile is the same pending one, as with an interrupt line.
NL_SIGNAL_SAFE static inline int nl_task_hold_off(int number) {
  if (!(nl_task_context() & NL_CONTEXT_IRQS_OFF) || number < 1 || number > 64) return 0;
  // A nested handler may add its own bit between a load and a store, hence one instruction.
  __atomic_fetch_or(&nl_task.pending, 1ull << (number - 1), __ATOMIC_RELAXED);
  return 1;
}

/// Declares a context and returns the one before.  What was held off arrives before this returns.
NL_SIGNAL_SAFE static inline uint32_t nl_task_enter(uint32_t context) {
  uint32_t old = nl_task_context();
  nl_task_set_context(context);
  if (context & NL_CONTEXT_IRQS_OFF || !__atomic_load_n(&nl_task.pending, __ATOMIC_RELAXED))
    return old;
  uint64_t pending = __atomic_exchange_n(&nl_task.pending, 0, __ATOMIC_RELAXED);
  while (pending) {
    uint32_t number = (uint32_t)__builtin_ctzll(pending) + 1;
    pending &= pending - 1;
    nl_signal_task(nl_getpid(), nl_gettid(), number);
  }
  return old;
}

#endif
