// threads.h: one pointer of thread-local storage, words shared between threads and their signal
// handlers, and the futex they sleep on.
//
// Why C: Swift has neither `__thread` nor atomics on memory that it did not declare.
#ifndef NL_THREADS_H
#define NL_THREADS_H

#include <stdint.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler.h"

/// The sample's own block of the calling thread; NULL in threads that are not its own.
extern __thread void *NL_NULLABLE nl_thread_block __attribute__((tls_model("initial-exec")));
NL_SIGNAL_SAFE static inline void *NL_NULLABLE nl_thread_get(void) { return nl_thread_block; }
NL_SIGNAL_SAFE static inline void nl_thread_set(void *NL_NULLABLE p) { nl_thread_block = p; }

// Names carry the ordering.  Each acquire pairs with the release of the same word.
NL_SIGNAL_SAFE static inline uint32_t nl_thread_load_acquire_32(const uint32_t *NL_NONNULL p) {
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_thread_store_release_32(uint32_t *NL_NONNULL p, uint32_t v) {
  __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline uint32_t nl_thread_add_32(uint32_t *NL_NONNULL p, uint32_t v) {
  return __atomic_add_fetch(p, v, __ATOMIC_ACQ_REL);
}
NL_SIGNAL_SAFE static inline uint64_t nl_thread_load_acquire_64(const uint64_t *NL_NONNULL p) {
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_thread_store_release_64(uint64_t *NL_NONNULL p, uint64_t v) {
  __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
/// Takes what is there and leaves `v`.  Pairs with itself: what was done to the thing given away is
/// seen by who takes it.
NL_SIGNAL_SAFE static inline uint64_t nl_thread_exchange_64(uint64_t *NL_NONNULL p, uint64_t v) {
  return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL);
}
/// Puts `v` where there is 0; 1 iff it did.
NL_SIGNAL_SAFE static inline uint32_t nl_thread_claim_64(uint64_t *NL_NONNULL p, uint64_t v) {
  uint64_t empty = 0;
  return __atomic_compare_exchange_n(p, &empty, v, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
/// Orders the thread against its own signal handlers; no instruction.
NL_SIGNAL_SAFE static inline void nl_thread_handler_fence(void) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline int32_t nl_thread_id(void) { return (int32_t)syscall(SYS_gettid); }
/// Sleeps while `*word == value`; may return early.
static inline void nl_thread_wait(const uint32_t *NL_NONNULL word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}
static inline void nl_thread_wake_all(const uint32_t *NL_NONNULL word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 0x7fffffff, 0, 0, 0);
}
static inline void nl_thread_yield(void) { syscall(SYS_sched_yield); }

/// Puts the calling thread on the `index`-th CPU (modulo their number) of those it may run on.
/// 0, or -1 with errno.
static inline int nl_thread_pin(uint32_t index) {
  unsigned long mask[16] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  if (bytes <= 0) return -1;
  uint32_t allowed = 0, bits = (uint32_t)bytes * 8;
  for (uint32_t cpu = 0; cpu < bits; cpu++) allowed += (mask[cpu / 64] >> (cpu % 64)) & 1;
  if (allowed == 0) return -1;
  uint32_t wanted = index % allowed;
  for (uint32_t cpu = 0; cpu < bits; cpu++) {
    if (!((mask[cpu / 64] >> (cpu % 64)) & 1)) continue;
    if (wanted-- != 0) continue;
    unsigned long one[16] = {0};
    one[cpu / 64] = 1ul << (cpu % 64);
    return (int)syscall(SYS_sched_setaffinity, 0, sizeof one, one);
  }
  return -1;
}

#endif
