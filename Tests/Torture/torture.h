// torture.h: threads at once and at random, against marks in the objects themselves.
#ifndef TORTURE_H
#define TORTURE_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "../../Sources/CNolock/include/nolock.h"

extern const struct nolock_ops *ops;
/// Raised to 1 when the time is over.
extern uint32_t over;
/// An object handed out twice, written to while live, or not cleared; a child or thread that failed.
extern long violations;
/// What happened, for the report.
extern struct torture_counts {
  long exchanged, births, handlers, handler_null, nested, forks, limits, jumps, crowds;
} counted;
/// 0: no signals, no forks (ThreadSanitizer defers signals, and knows no fork of many threads).
extern int with_signals;

#define COUNT(what) __atomic_fetch_add(&counted.what, 1, __ATOMIC_RELAXED)
#define VIOLATION() __atomic_fetch_add(&violations, 1, __ATOMIC_RELAXED)
#define OVER() __atomic_load_n(&over, __ATOMIC_RELAXED)

static inline uint32_t torture_next(uint32_t *x) {
  *x ^= *x << 13;
  *x ^= *x >> 17;
  return *x ^= *x << 5;
}

/// A random allocation, marked over its whole size; NULL without memory.
void *torture_take(uint32_t *x, int nolock);
/// Checks the mark and frees.
void torture_give(void *object, int nolock);

/// The calling thread gets timer signals whose handlers allocate and free, on a stack of their own;
/// a second signal interrupts the handlers of the first.
void torture_arm(void);
void torture_disarm(void);
void torture_handlers(void);

// The actors' thread functions.
void *torture_exchange(void *seed);
void *torture_births(void *seed);
void *torture_forks(void *seed);
void *torture_limits(void *seed);
void *torture_jumps(void *seed);
/// A thousand threads that have each allocated, at once.
void torture_crowd(int threads);

uint64_t torture_statistic(const char *name);

#endif
