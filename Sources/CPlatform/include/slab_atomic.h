// slab_atomic.h: every access to a word that a handler or another thread may touch.
//
// Relaxed atomics, so that neither optimiser may merge, split or move them across a signal fence.
// The ordering in a name is the strongest that the access needs; partners are named at the use.
#ifndef NL_SLAB_ATOMIC_H
#define NL_SLAB_ATOMIC_H

#include <stdbool.h>
#include "slab_layout.h"

#define NL_ACCESS(owner, type, field)                                                       \
  NL_SIGNAL_SAFE static inline type nl_##owner##_##field(struct nl_##owner *NL_NONNULL o) { \
    return __atomic_load_n(&o->field, __ATOMIC_RELAXED);                                    \
  }                                                                                         \
  NL_SIGNAL_SAFE static inline void nl_##owner##_set_##field(struct nl_##owner *NL_NONNULL o, \
                                                             type v) {                      \
    __atomic_store_n(&o->field, v, __ATOMIC_RELAXED);                                       \
  }

typedef void *NL_NULLABLE *NL_NONNULL nl_slot;

NL_ACCESS(line, uint8_t, lock)
NL_ACCESS(line, uint8_t, request)
NL_ACCESS(line, uint8_t, pending)
NL_ACCESS(line, nl_slot, top)
NL_ACCESS(line, uintptr_t, empty)
NL_ACCESS(line, uintptr_t, full)
NL_ACCESS(vcpu, uint8_t, hooked)
typedef void *NL_NULLABLE nl_free_object;
typedef struct nl_slab *NL_NULLABLE nl_active_slab;
NL_ACCESS(cpu_slab, nl_free_object, freelist)
NL_ACCESS(cpu_slab, uint64_t, tid)
NL_ACCESS(cpu_slab, nl_active_slab, slab)
NL_ACCESS(vcpu, uint8_t, page_lock)
NL_ACCESS(instance, uint8_t, dirty)

/// Release: what an attaching thread wrote into its block is seen by whoever reads ATTACHED (the
/// worker, a flusher), whose load is the partner.
NL_SIGNAL_SAFE static inline uint32_t nl_vcpu_state(struct nl_vcpu *NL_NONNULL vcpu) {
  return __atomic_load_n(&vcpu->state, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_vcpu_set_state(struct nl_vcpu *NL_NONNULL vcpu, uint32_t v) {
  __atomic_store_n(&vcpu->state, v, __ATOMIC_RELEASE);
}

/// Keeps the compiler from moving accesses across: partner of a handler on the same thread.
NL_SIGNAL_SAFE static inline void nl_signal_fence(void) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
/// Gives the line back.  Partner: the remote flusher's acquire load of `lock`.
NL_SIGNAL_SAFE static inline void nl_line_unlock(struct nl_line *NL_NONNULL line) {
  __atomic_store_n(&line->lock, 0, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline uint8_t nl_line_lock_acquire(struct nl_line *NL_NONNULL line) {
  return __atomic_load_n(&line->lock, __ATOMIC_ACQUIRE);
}
/// Ends a remote request.  Partner: the owner's slow path, which reads `request` (acquire).
NL_SIGNAL_SAFE static inline void nl_line_release_request(struct nl_line *NL_NONNULL line) {
  __atomic_store_n(&line->request, 0, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline uint8_t nl_line_request_acquire(struct nl_line *NL_NONNULL line) {
  return __atomic_load_n(&line->request, __ATOMIC_ACQUIRE);
}

/// One instruction, so no handler of this thread can tear it; no other thread writes the word.
NL_SIGNAL_SAFE static inline void nl_count(uint64_t *NL_NONNULL counter) {
#if defined(__x86_64__)
  __asm__("incq %0" : "+m"(*counter));
#else
  __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
#endif
}
NL_SIGNAL_SAFE static inline void nl_count_u32(uint32_t *NL_NONNULL counter) {
#if defined(__x86_64__)
  __asm__("incl %0" : "+m"(*counter));
#else
  __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
#endif
}
NL_SIGNAL_SAFE static inline void nl_uncount_u32(uint32_t *NL_NONNULL counter) {
#if defined(__x86_64__)
  __asm__("decl %0" : "+m"(*counter));
#else
  __atomic_fetch_sub(counter, 1, __ATOMIC_RELAXED);
#endif
}
NL_SIGNAL_SAFE static inline uintptr_t nl_stack_pointer(void) {
#if defined(__x86_64__)
  uintptr_t stack;
  __asm__ volatile("mov %%rsp, %0" : "=r"(stack));
  return stack;
#else
  return (uintptr_t)__builtin_frame_address(0);
#endif
}
NL_SIGNAL_SAFE static inline void nl_count_by(uint64_t *NL_NONNULL counter, uint64_t n) {
#if defined(__x86_64__)
  __asm__("addq %1, %0" : "+m"(*counter) : "r"(n));
#else
  __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
#endif
}
NL_SIGNAL_SAFE static inline uint64_t nl_add(uint64_t *NL_NONNULL word, uint64_t n) {
  return __atomic_fetch_add(word, n, __ATOMIC_RELAXED);
}
NL_SIGNAL_SAFE static inline uint32_t nl_add_u32(uint32_t *NL_NONNULL word, uint32_t n) {
  return __atomic_fetch_add(word, n, __ATOMIC_ACQ_REL);
}
NL_SIGNAL_SAFE static inline uint64_t nl_load(const uint64_t *NL_NONNULL word) {
  return __atomic_load_n(word, __ATOMIC_RELAXED);
}
NL_SIGNAL_SAFE static inline void nl_store(uint64_t *NL_NONNULL word, uint64_t v) {
  __atomic_store_n(word, v, __ATOMIC_RELAXED);
}
NL_SIGNAL_SAFE static inline uint32_t nl_load_u32(const uint32_t *NL_NONNULL word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_store_u32(uint32_t *NL_NONNULL word, uint32_t v) {
  __atomic_store_n(word, v, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline bool nl_cas_u32(uint32_t *NL_NONNULL word, uint32_t old, uint32_t v) {
  return __atomic_compare_exchange_n(word, &old, v, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline bool nl_cas_u64(uint64_t *NL_NONNULL word, uint64_t old, uint64_t v) {
  return __atomic_compare_exchange_n(word, &old, v, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline uint32_t nl_swap_u32(uint32_t *NL_NONNULL word, uint32_t v) {
  return __atomic_exchange_n(word, v, __ATOMIC_ACQ_REL);
}
NL_SIGNAL_SAFE static inline uint8_t nl_swap_u8(uint8_t *NL_NONNULL byte, uint8_t v) {
  return __atomic_exchange_n(byte, v, __ATOMIC_ACQ_REL);
}
NL_SIGNAL_SAFE static inline bool nl_cas_u8(uint8_t *NL_NONNULL byte, uint8_t old, uint8_t v) {
  return __atomic_compare_exchange_n(byte, &old, v, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_release_u8(uint8_t *NL_NONNULL byte) {
  __atomic_store_n(byte, 0, __ATOMIC_RELEASE);
}
NL_SIGNAL_SAFE static inline void *NL_NULLABLE nl_swap_pointer(void *NL_NULLABLE *NL_NONNULL word,
                                                               void *NL_NULLABLE v) {
  return __atomic_exchange_n(word, v, __ATOMIC_ACQ_REL);
}
NL_SIGNAL_SAFE static inline void *NL_NULLABLE nl_load_pointer(void *NL_NULLABLE *NL_NONNULL word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_store_pointer(void *NL_NULLABLE *NL_NONNULL word,
                                                   void *NL_NULLABLE v) {
  __atomic_store_n(word, v, __ATOMIC_RELEASE);
}

// ThreadSanitizer does not see what an asm statement orders (scripts/soak builds with NL_TSAN).
#ifdef NL_TSAN
void __tsan_acquire(void *NL_NONNULL address);
void __tsan_release(void *NL_NONNULL address);
#define NL_TSAN_RELEASE(address) __tsan_release(address)
#define NL_TSAN_ACQUIRE(address) __tsan_acquire(address)
#else
#define NL_TSAN_RELEASE(address)
#define NL_TSAN_ACQUIRE(address)
#endif

/// Changes {freelist, counters} of a slab as one unit.  The halves are read separately before:
/// this comparison validates them.
NL_SIGNAL_SAFE static inline bool nl_slab_cas(struct nl_slab *NL_NONNULL slab,
                                              void *NL_NULLABLE old_freelist, uint64_t old_counters,
                                              void *NL_NULLABLE freelist, uint64_t counters) {
#if defined(__x86_64__)
  bool done;
  NL_TSAN_RELEASE(slab);
  __asm__ volatile("lock cmpxchg16b %1"
                   : "=@ccz"(done), "+m"(*(unsigned __int128 *)slab), "+a"(old_freelist),
                     "+d"(old_counters)
                   : "b"(freelist), "c"(counters)
                   : "memory");
  NL_TSAN_ACQUIRE(slab);
  return done;
#else
  unsigned __int128 old = (uintptr_t)old_freelist | (unsigned __int128)old_counters << 64;
  return __sync_bool_compare_and_swap((unsigned __int128 *)slab, old,
      (uintptr_t)freelist | (unsigned __int128)counters << 64);
#endif
}
/// Changes {freelist, tid} of a per-CPU slab as one unit.  Its partner is a handler of the same
/// thread, so one instruction is enough and no lock prefix is needed: the kernel's
/// this_cpu_cmpxchg128().
NL_SIGNAL_SAFE static inline bool nl_cpu_slab_cas(struct nl_cpu_slab *NL_NONNULL cpu,
                                                  void *NL_NULLABLE old_freelist, uint64_t old_tid,
                                                  void *NL_NULLABLE freelist, uint64_t tid) {
#if defined(__x86_64__)
  bool done;
  __asm__ volatile("cmpxchg16b %1"
                   : "=@ccz"(done), "+m"(*(unsigned __int128 *)&cpu->freelist), "+a"(old_freelist),
                     "+d"(old_tid)
                   : "b"(freelist), "c"(tid)
                   : "memory");
  return done;
#else
  unsigned __int128 old = (uintptr_t)old_freelist | (unsigned __int128)old_tid << 64;
  return __sync_bool_compare_and_swap((unsigned __int128 *)&cpu->freelist, old,
      (uintptr_t)freelist | (unsigned __int128)tid << 64);
#endif
}
NL_SIGNAL_SAFE static inline void *NL_NULLABLE nl_slab_freelist(struct nl_slab *NL_NONNULL slab) {
  return __atomic_load_n(&slab->freelist, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline uint64_t nl_slab_counters(struct nl_slab *NL_NONNULL slab) {
  return __atomic_load_n(&slab->counters, __ATOMIC_ACQUIRE);
}

/// Under the slab's word lock, or before the slab is published; readers validate what they read.
NL_SIGNAL_SAFE static inline void nl_slab_store(struct nl_slab *NL_NONNULL slab,
                                                void *NL_NULLABLE freelist, uint64_t counters) {
  __atomic_store_n(&slab->freelist, freelist, __ATOMIC_RELEASE);
  __atomic_store_n(&slab->counters, counters, __ATOMIC_RELEASE);
}

NL_SIGNAL_SAFE static inline void nl_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// The time stamp counter; 0 where there is none.
NL_SIGNAL_SAFE static inline uint64_t nl_cycles(void) {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  return 0;
#endif
}

/// Fills `bytes` with `byte`, by stores: a plain loop would become a call through the PLT.
NL_SIGNAL_SAFE static inline void nl_fill(void *NL_NONNULL memory, uint8_t byte, size_t bytes) {
  char *p = memory, *end = p + bytes;
  for (; p != end && (uintptr_t)p & 7; p++) *(volatile uint8_t *)p = byte;
  for (; end - p >= 8; p += 8) {
    *(uint64_t *)p = byte * 0x0101010101010101u;
    __asm__ volatile("" : "+r"(p) : : "memory");
  }
  for (; p != end; p++) *(volatile uint8_t *)p = byte;
}
/// Offset of the first byte that is not `byte`; `bytes` if there is none.
NL_SIGNAL_SAFE static inline size_t nl_find_other(const void *NL_NONNULL memory, uint8_t byte,
                                                  size_t bytes) {
  const char *start = memory, *p = start, *end = p + bytes;
  while (p != end) {
    if (!((uintptr_t)p & 7) && end - p >= 8 &&
        *(const volatile uint64_t *)p == byte * 0x0101010101010101u) {
      p += 8;
    } else {
      if (*(const volatile uint8_t *)p != byte) break;
      p++;
    }
  }
  return (size_t)(p - start);
}
NL_SIGNAL_SAFE static inline uint8_t nl_load_u8(const uint8_t *NL_NONNULL byte) {
  return __atomic_load_n(byte, __ATOMIC_ACQUIRE);
}
NL_SIGNAL_SAFE static inline void nl_store_u8(uint8_t *NL_NONNULL byte, uint8_t v) {
  __atomic_store_n(byte, v, __ATOMIC_RELEASE);
}
__attribute__((noreturn)) NL_SIGNAL_SAFE static inline void nl_trap(void) { __builtin_trap(); }

/// Clears `bytes` (8, or a multiple of 16) by stores: `rep stos` starts slowly, and a plain loop
/// would become a call of memset through the PLT.
NL_SIGNAL_SAFE static inline void nl_clear(void *NL_NONNULL object, size_t bytes) {
  typedef long long pair __attribute__((vector_size(16)));
  if (bytes == 8) {
    *(volatile uint64_t *)object = 0;
    return;
  }
  for (pair *p = object, *end = (pair *)((char *)object + bytes); p != end; p++) {
    *p = (pair){0, 0};
    __asm__ volatile("" : "+r"(p) : : "memory");
  }
}

#endif
