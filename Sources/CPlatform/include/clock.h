// clock.h: time without a system call in the measured part, and the processor's hints.
//
// Why C: rdtsc and pause are instructions that Swift cannot express.
#ifndef NL_CLOCK_H
#define NL_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "compiler.h"

/// The time stamp counter, in ticks.  Not serialising: a few instructions may move across it.
NL_SIGNAL_SAFE static inline uint64_t nl_clock_ticks(void) { return __builtin_ia32_rdtsc(); }

/// A clock of clock_gettime(2), in nanoseconds.  CLOCK_MONOTONIC is read in the vDSO.
static inline uint64_t nl_clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t nl_clock_monotonic_ns(void) { return nl_clock_ns(CLOCK_MONOTONIC); }
/// CPU time of the calling thread, in nanoseconds.  A system call.
static inline uint64_t nl_clock_thread_cpu_ns(void) { return nl_clock_ns(CLOCK_THREAD_CPUTIME_ID); }

/// Sleeps until `at` of CLOCK_MONOTONIC, in nanoseconds.
static inline void nl_clock_sleep_until(uint64_t at) {
  struct timespec t = {(time_t)(at / 1000000000u), (long)(at % 1000000000u)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
}

/// The hint for a spin loop.
NL_SIGNAL_SAFE static inline void nl_clock_relax(void) { __builtin_ia32_pause(); }

#endif
