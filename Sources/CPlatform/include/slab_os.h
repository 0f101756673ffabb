// slab_os.h: the system calls of the allocator, raw: no PLT, no errno, no libc state.
// They return what the kernel returns: a negative errno on failure.
#ifndef NL_SLAB_OS_H
#define NL_SLAB_OS_H

#include <signal.h>
#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "compiler.h"

NL_SIGNAL_SAFE static inline long nl_syscall6(long n, long a, long b, long c, long d, long e,
                                              long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

NL_SIGNAL_SAFE static inline uint32_t nl_gettid(void) {
  return (uint32_t)nl_syscall6(SYS_gettid, 0, 0, 0, 0, 0, 0);
}
NL_SIGNAL_SAFE static inline uint32_t nl_getpid(void) {
  return (uint32_t)nl_syscall6(SYS_getpid, 0, 0, 0, 0, 0, 0);
}
/// Lets another thread run.
NL_SIGNAL_SAFE static inline void nl_give_way(void) {
  nl_syscall6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
/// 0 while the thread exists; -ESRCH once it is gone.
NL_SIGNAL_SAFE static inline long nl_probe_thread(uint32_t pid, uint32_t tid) {
  return nl_syscall6(SYS_tgkill, pid, tid, 0, 0, 0, 0);
}
/// Sleeps while *word == expected, at most `ns` (0: without limit).
NL_SIGNAL_SAFE static inline long nl_futex_wait(uint32_t *NL_NONNULL word, uint32_t expected,
                                                uint64_t ns) {
  struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  return nl_syscall6(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, expected, ns ? (long)&t : 0, 0, 0);
}
NL_SIGNAL_SAFE static inline long nl_futex_wake(uint32_t *NL_NONNULL word, uint32_t count) {
  return nl_syscall6(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}
/// Waits for a lock whose word is 0 or its holder's tid, which runs with our priority meanwhile.
NL_SIGNAL_SAFE static inline long nl_futex_lock_pi(uint32_t *NL_NONNULL word) {
  return nl_syscall6(SYS_futex, (long)word, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0);
}
/// Gives such a lock to its foremost waiter.  The caller's tid is in the word.
NL_SIGNAL_SAFE static inline long nl_futex_unlock_pi(uint32_t *NL_NONNULL word) {
  return nl_syscall6(SYS_futex, (long)word, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0);
}
NL_SIGNAL_SAFE static inline long nl_signal_task(uint32_t pid, uint32_t tid, uint32_t number) {
  return nl_syscall6(SYS_tgkill, pid, tid, number, 0, 0, 0);
}
NL_SIGNAL_SAFE static inline long nl_membarrier_register(void) {
  return nl_syscall6(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0);
}
/// A full barrier on every running thread of this process.
NL_SIGNAL_SAFE static inline long nl_membarrier(void) {
  return nl_syscall6(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0);
}
/// True on the alternate signal stack.
NL_SIGNAL_SAFE static inline _Bool nl_is_on_signal_stack(void) {
  stack_t now = {0};
  nl_syscall6(SYS_sigaltstack, 0, (long)&now, 0, 0, 0, 0);
  return (now.ss_flags & SS_ONSTACK) != 0;
}
/// Address of `bytes` of zeroed, unpopulated memory, or a negative errno.
///
/// Asks for a place far from all code, at 24 TiB and some random pages.  The kernel's own choice is
/// right below the libraries, where an arena would part them from those that are loaded later, and
/// calls between objects that far apart cost more (0.65 ns each on Zen 5).
NL_SIGNAL_SAFE static inline long nl_reserve(uint64_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#ifndef NL_TSAN  // which has its shadow there
  const uint64_t tebibyte = 1ull << 40;
  const uint64_t random = (uintptr_t)__builtin_frame_address(0) & (tebibyte - 4096);
  for (uint64_t i = 24; i < 44; i++) {
    // 0x100000: MAP_FIXED_NOREPLACE, Linux 4.17; before, a mere wish.
    long address = nl_syscall6(SYS_mmap, (long)(i * tebibyte + random), (long)bytes,
                               PROT_READ | PROT_WRITE, flags | 0x100000, -1, 0);
    if (address >= 0) return address;
  }
#endif
  return nl_syscall6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
}
NL_SIGNAL_SAFE static inline long nl_advise(uintptr_t address, uint64_t bytes, int advice) {
  return nl_syscall6(SYS_madvise, (long)address, (long)bytes, advice, 0, 0, 0);
}
/// Touches pages for writing, so that a handler need not fault on them; no harm if it cannot.
NL_SIGNAL_SAFE static inline void nl_populate(uintptr_t address, uint64_t bytes) {
  nl_advise(address, bytes, 23);  // MADV_POPULATE_WRITE, Linux 5.14
}
NL_SIGNAL_SAFE static inline uint64_t nl_thread_cpu_ns(void) {
  struct timespec t = {0, 0};
  nl_syscall6(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, (long)&t, 0, 0, 0, 0);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
/// Random bits; without the system call, the clock's.
static inline uint64_t nl_random(void) {
  uint64_t bits = 0;
  if (nl_syscall6(SYS_getrandom, (long)&bits, sizeof bits, 1, 0, 0, 0) != sizeof bits)
    bits = nl_thread_cpu_ns() * 0x9e3779b97f4a7c15u;
  return bits;
}
/// 1 if a 128-bit compare-and-exchange is one instruction here.
static inline int nl_has_cas128(void) {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_CMPXCHG16B);
#elif defined(__ARM_FEATURE_ATOMICS)
  return 1;
#else
  return 0;
#endif
}
/// Writes a line of text; nobody is told if that fails.
NL_SIGNAL_SAFE static inline void nl_write_error(const char *NL_NONNULL text, uint64_t bytes) {
  nl_syscall6(SYS_write, 2, (long)text, (long)bytes, 0, 0, 0);
}
/// CPUs this process may run on.
NL_SIGNAL_SAFE static inline uint32_t nl_cpu_count(void) {
  uint64_t mask[128] = {0};
  long bytes = nl_syscall6(SYS_sched_getaffinity, 0, sizeof mask, (long)mask, 0, 0, 0);
  uint32_t count = 0;
  for (long i = 0; i < bytes / 8; i++) count += (uint32_t)__builtin_popcountll(mask[i]);
  return count ? count : 1;
}

#endif
