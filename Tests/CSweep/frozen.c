#define _GNU_SOURCE
#include "frozen.h"
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include "shadow.h"
#include "statistics.h"

enum { CALLS = 100, KEPT = 8 };
/// Milliseconds.  A flush that waits for a central lock is let go after the shorter one.
enum { PATIENCE = 10000, SHORT_PATIENCE = 200 };

static struct {
  struct boundaries *b;
  pthread_t thread;
  uint32_t calls_done, rest_done, released;
  int finding, violations, held, allocated, freed;
  int late;  // the flush went on while the call did: its answer says nothing
} it;

static uint64_t central(const struct nolock_ops *ops) {
  return statistic(ops, "list_lock_busy") + statistic(ops, "barn_lock_busy") +
         statistic(ops, "zone_lock_busy");
}

/// A remote flush of the frozen thread's lines, all but the held one.
static void flush(struct boundaries *b) {
  uint64_t before = statistic(b->ops, "remote_not_taken");
  if (b->ops->control("flush_here", 1)) {
    it.finding = BOUNDARIES_FLUSHED;
    return;
  }
  int refused = statistic(b->ops, "remote_not_taken") != before;
  if (it.late) return;
  int expected = b->flushes == BOUNDARIES_TAKES_FREE ? it.held : b->flushes == BOUNDARIES_ONLY_ASKS;
  if (refused != expected) it.finding = BOUNDARIES_FLUSHED;
  b->frozen_not_taken += refused;
}

static void *other(void *p) {
  struct boundaries *b = p;
  const struct nolock_ops *ops = b->ops;
  void *kept[KEPT] = {0};
  uint64_t before = central(ops);
  if (b->declares) ops->context(NOLOCK_CONTEXT_SOFTIRQ);
  for (int i = 0; i < CALLS; i++) {
    void **slot = &kept[i % KEPT];
    if (*slot) {
      it.violations += shadow_unmark(*slot, b->size);
      ops->kfree_nolock(*slot);
      it.freed++;
    }
    if ((*slot = ops->kmalloc_nolock(b->size, 0, NOLOCK_NO_NODE))) {
      it.violations += shadow_mark(*slot, b->size);
      it.allocated++;
    }
  }
  // Where its sheaves served it, it did not notice: see takes_central_locks.
  int waits = central(ops) != before;
  if (b->declares) ops->context(NOLOCK_CONTEXT_TASK);
  __atomic_store_n(&it.calls_done, 1, __ATOMIC_RELEASE);
  if (waits) {
    // An ordinary caller, and the flusher is one, may wait for a central lock.
    b->frozen_central++;
    __atomic_store_n(&it.rest_done, 1, __ATOMIC_RELEASE);
  } else {
    if (b->drains) ops->barrier();
    if (b->flushes) flush(b);
    __atomic_store_n(&it.rest_done, 1, __ATOMIC_RELEASE);
  }
  while (!__atomic_load_n(&it.released, __ATOMIC_ACQUIRE)) sched_yield();
  for (int i = 0; i < KEPT; i++) {
    if (!kept[i]) continue;
    it.violations += shadow_unmark(kept[i], b->size);
    ops->kfree(kept[i]);
  }
  return 0;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// Spins, because a frozen thread does not even sleep; yields, because there may be one CPU.
static int wait_for(const uint32_t *word, long patience) {
  long end = milliseconds() + patience;
  while (!__atomic_load_n(word, __ATOMIC_ACQUIRE)) {
    sched_yield();
    if (milliseconds() > end) return 0;
  }
  return 1;
}

void frozen_at(struct boundaries *b) {
  it.b = b;
  // A child inherits the registration of its parent's memory; it does no harm to say so again.
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  uint64_t busy = statistic(b->ops, "line_busy");
  void *object = b->ops->kmalloc_nolock(b->size, 0, NOLOCK_NO_NODE);
  if (object) b->ops->kfree_nolock(object);
  it.held = statistic(b->ops, "line_busy") != busy;
  b->frozen_held += it.held;
  if (pthread_create(&it.thread, 0, other, b)) {
    it.finding = BOUNDARIES_DIED;
    return;
  }
  if (!wait_for(&it.calls_done, PATIENCE)) {
    it.finding = BOUNDARIES_WAITED;
  } else if (b->takes_central_locks && !wait_for(&it.rest_done, SHORT_PATIENCE)) {
    it.late = 1;
    b->frozen_central++;
  } else if (!wait_for(&it.rest_done, PATIENCE)) {
    it.finding = BOUNDARIES_FLUSH_WAITED;
  }
  b->frozen_calls += it.allocated + it.freed;
}

int frozen_end(void) {
  __atomic_store_n(&it.released, 1, __ATOMIC_RELEASE);
  if (it.finding == BOUNDARIES_DIED) return it.finding;
  pthread_join(it.thread, 0);
  return it.violations ? BOUNDARIES_TWICE : it.finding;
}
