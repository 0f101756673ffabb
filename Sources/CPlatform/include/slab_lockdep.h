// slab_lockdep.h: the locks that each thread holds, for builds with -D NOLOCK_LOCKDEP.
//
// Why C: thread-local storage, tables in .bss, and the return address.
#ifndef NL_SLAB_LOCKDEP_H
#define NL_SLAB_LOCKDEP_H

#include <stdbool.h>
#include <stdint.h>
#include "slab_os.h"

/// The same as nolock.h's struct nolock_lock_class.
struct nl_lock_class {
  const char *NL_NULLABLE name;
  uint8_t outer, inner, kind;
};

/// The allocator's own; one per cache for the lines.
extern const struct nl_lock_class nl_class_list_lock, nl_class_barn, nl_class_zone, nl_class_pages;
extern const struct nl_lock_class nl_class_line[32];
#define NL_LOCK_CLASS(name)                                                             \
  NL_SIGNAL_SAFE static inline const struct nl_lock_class *NL_NONNULL nl_get_class_##name(void) { \
    return &nl_class_##name;                                                            \
  }
NL_LOCK_CLASS(list_lock)
NL_LOCK_CLASS(barn)
NL_LOCK_CLASS(zone)
NL_LOCK_CLASS(pages)
/// Of the line at `line`: lines stand at the start of a block, which is page-aligned.
NL_SIGNAL_SAFE static inline const struct nl_lock_class *NL_NONNULL nl_get_class_line(
    const void *NL_NONNULL line) {
  return &nl_class_line[((uintptr_t)line & 4095) >> 6 & 31];
}

struct nl_held_lock {
  const struct nl_lock_class *NL_NULLABLE class_;  ///< NULL while the entry is being written
  const void *NL_NULLABLE lock;
  uintptr_t ip;
  uint32_t irq_context;
  uint32_t trylock;
};

#define NL_HELD_LOCKS 32
#define NL_LOCKDEP_THREADS 256

/// A thread's held locks; it has a record only while it holds any.
struct nl_lockdep_thread {
  uint32_t owner;  ///< tid; 0 = free
  uint32_t depth;
  struct nl_held_lock held[NL_HELD_LOCKS];
};

extern struct nl_lockdep_thread nl_lockdep_threads[NL_LOCKDEP_THREADS];
struct nl_lockdep_tls {
  uint32_t record;  ///< index + 1
  uint32_t pins;    ///< calls on this thread that are using the record
};
extern __thread struct nl_lockdep_tls nl_lockdep_tls __attribute__((tls_model("initial-exec")));

NL_SIGNAL_SAFE static inline void nl_lockdep_pin(int by) {
  __atomic_store_n(&nl_lockdep_tls.pins, nl_lockdep_tls.pins + (uint32_t)by, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
NL_SIGNAL_SAFE static inline uint32_t nl_lockdep_pins(void) { return nl_lockdep_tls.pins; }

/// The calling thread's record; NULL if it has none and `claim` is not set, or all are taken.
NL_SIGNAL_SAFE static inline struct nl_lockdep_thread *NL_NULLABLE nl_lockdep_record(bool claim) {
  uint32_t index = __atomic_load_n(&nl_lockdep_tls.record, __ATOMIC_RELAXED);
  if (index) return &nl_lockdep_threads[index - 1];
  if (!claim) return 0;
  uint32_t tid = nl_gettid();
  for (uint32_t i = 0; i < NL_LOCKDEP_THREADS; i++) {
    uint32_t none = 0;
    // Acquire: pairs with the release in nl_lockdep_drop, so the record is seen empty.
    if (!__atomic_compare_exchange_n(&nl_lockdep_threads[i].owner, &none, tid, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
      continue;
    __atomic_store_n(&nl_lockdep_tls.record, i + 1, __ATOMIC_RELAXED);
    return &nl_lockdep_threads[i];
  }
  return 0;
}
NL_SIGNAL_SAFE static inline void nl_lockdep_drop(struct nl_lockdep_thread *NL_NONNULL record) {
  __atomic_store_n(&nl_lockdep_tls.record, 0, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(&record->owner, 0, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline struct nl_held_lock *NL_NONNULL nl_lockdep_held(
    struct nl_lockdep_thread *NL_NONNULL record, long i) {
  return &record->held[i];
}
NL_SIGNAL_SAFE static inline const struct nl_lock_class *NL_NULLABLE nl_held_class(
    const struct nl_held_lock *NL_NONNULL held) {
  return __atomic_load_n(&held->class_, __ATOMIC_RELAXED);
}
NL_SIGNAL_SAFE static inline void nl_held_set_class(
    struct nl_held_lock *NL_NONNULL held, const struct nl_lock_class *NL_NULLABLE v) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(&held->class_, v, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
/// Stands in a record for a lock that was released before a later one.
extern const struct nl_lock_class nl_class_released;
NL_LOCK_CLASS(released)

/// Where the function that this is inlined into returns to.
__attribute__((always_inline)) NL_SIGNAL_SAFE static inline uintptr_t nl_return_address(void) {
  return (uintptr_t)__builtin_return_address(0);
}

/// The reports: how many, the text of the first since it was last cleared, who wants each.
#define NL_REPORT_BYTES 4096
struct nl_lockdep_reports {
  uint64_t count;
  uint8_t writing;
  uint8_t kept;     ///< `text` holds a report
  uint32_t length;
  char text[NL_REPORT_BYTES];
  void (*NL_NULLABLE hook)(const char *NL_NONNULL text);
};
extern struct nl_lockdep_reports nl_lockdep_reports;
NL_SIGNAL_SAFE static inline struct nl_lockdep_reports *NL_NONNULL nl_get_lockdep_reports(void) {
  return &nl_lockdep_reports;
}
NL_SIGNAL_SAFE static inline char *NL_NONNULL nl_lockdep_text(void) {
  return nl_lockdep_reports.text;
}
NL_SIGNAL_SAFE static inline uint64_t *NL_NONNULL nl_lockdep_count(void) {
  return &nl_lockdep_reports.count;
}
NL_SIGNAL_SAFE static inline uint8_t *NL_NONNULL nl_lockdep_writing(void) {
  return &nl_lockdep_reports.writing;
}
static inline void nl_lockdep_set_hook(uint64_t address) {
  nl_lockdep_reports.hook = (void (*)(const char *))(uintptr_t)address;
}
NL_SIGNAL_SAFE static inline void nl_lockdep_call_hook(void) {
  if (nl_lockdep_reports.hook) nl_lockdep_reports.hook(nl_lockdep_reports.text);
}
/// The thread's name, 16 bytes with its end (prctl(2), PR_GET_NAME = 16).
NL_SIGNAL_SAFE static inline void nl_thread_name(char *NL_NONNULL name) {
  nl_syscall6(SYS_prctl, 16, (long)name, 0, 0, 0, 0);
}
/// Where the table of nolock.h's struct nolock_lockdep stands.
extern char nl_lockdep_ops[64];
static inline void *NL_NONNULL nl_get_lockdep_ops(void) { return nl_lockdep_ops; }

#endif
