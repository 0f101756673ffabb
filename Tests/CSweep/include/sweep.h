// sweep.h: interrupts one operation of an allocator at its instruction boundaries, with a handler
// that holds objects of earlier interrupts, against a shadow heap.
//
// C, because a test bundle is built -Onone, and Swift at -Onone is not signal safe.
#ifndef SWEEP_H
#define SWEEP_H

#include <stddef.h>
#include <stdint.h>
#include "../../../Sources/CNolock/include/nolock.h"

/// What is interrupted.
enum sweep_operation { SWEEP_KMALLOC, SWEEP_KFREE, SWEEP_KMALLOC_NOLOCK, SWEEP_KFREE_NOLOCK };

enum { SWEEP_HELD = 48, SWEEP_FOREIGN = 4096 };

struct sweep {
  const struct nolock_ops *ops;
  size_t size;             ///< bytes, of the operation and of the handler's objects
  uint32_t gfp;
  long only;               ///< 0: the handler works at every boundary; k: at boundary k alone
  uint32_t context;        ///< what the handler declares first; 0: nothing
  // The handler's state: objects of earlier interrupts, and objects that another thread allocated.
  void *held[SWEEP_HELD];
  int held_count;
  void *foreign[SWEEP_FOREIGN];
  int foreign_count;
  // Results, added up over runs.
  long boundaries;         ///< of the last run
  long instructions;       ///< of the last run
  long handler_runs, handler_allocated, handler_null, handler_freed;
  long allocated, freed;   ///< all, operation and handler: the sweep's own books
  long violations;         ///< an object handed out twice, or lost its mark while it was live
};

/// Allocates through the ordinary entry point and marks the object live; NULL if there is none.
void *sweep_allocate(struct sweep *sweep);
/// Unmarks and frees through the ordinary entry point.
void sweep_free(struct sweep *sweep, void *object);

/// Runs `operation` once under the stepper.  `object` is what the free operations free (marked
/// live); returns what the allocating ones returned (marked live).
void *sweep_run(struct sweep *sweep, enum sweep_operation operation, void *object);

/// Allocates `count` objects on another thread, for the handler to free.
int sweep_add_foreign(struct sweep *sweep, int count);

/// Frees what the handler still holds, by ordinary calls.
void sweep_release(struct sweep *sweep);

/// Exact instructions of a call in its present state, without any handler.
long sweep_count(const struct nolock_ops *ops, enum sweep_operation operation, size_t size,
                 uint32_t gfp, void **object);

/// A locked instruction among those of a call: their number.
long sweep_count_locked(const struct nolock_ops *ops, enum sweep_operation operation, size_t size,
                        uint32_t gfp, void **object);

/// The biased lock's two sides at once for `flushes` remote flushes: an owner with `size`-byte
/// objects, and a flusher (the worker must be stopped).  Returns violations; -1 if the flusher
/// was refused.  `gap`: at most so many loops between two flushes; with 0 the owner meets a request
/// at nearly every turn.  `owner_operations` says what the owner got done meanwhile.
long sweep_race(const struct nolock_ops *ops, size_t size, long flushes, uint32_t gap,
                long *owner_operations);

/// 1 where the kernel has the private expedited membarrier.
int sweep_has_membarrier(void);

/// Forks `forks` times while `threads` threads allocate; each child allocates and frees 2,000
/// objects at once.  Returns 1 at the first child that did not end with 0; -1 if fork failed.
int sweep_fork(const struct nolock_ops *ops, int threads, int forks);

/// `threads` threads hand objects of all buckets to each other through shared slots, `operations`
/// each.  Returns violations.
long sweep_exchange(const struct nolock_ops *ops, int threads, long operations);

/// What was seen of signals of class hard IRQ; numbers of handler runs.
struct sweep_masking {
  int on;           ///< interrupts on: 1
  int off;          ///< interrupts off, nested: 0
  int refused;      ///< arrivals meanwhile: 3, two of them of one signal
  int restored[2];  ///< when the outermost restore returned: 1 of each
  uint32_t declared;///< what the thread was then
};
struct sweep_masking sweep_mask(const struct nolock_ops *ops);

/// A declared preemptible task allocates 64 bytes by the nolock call on another thread, while the
/// calling thread holds the futex word `line` of its vCPU; released once the other sleeps.
struct sweep_waiting {
  int slept;    ///< 1 if the other thread was seen waiting for the word
  size_t size;  ///< of the object that it got
};
struct sweep_waiting sweep_wait_for_line(const struct nolock_ops *ops, uint32_t *line);

/// 1 if this process may run SCHED_FIFO threads and has a CPU besides theirs.
int sweep_may_use_fifo(void);

/// Runs `body(argument)` on a fresh thread with its first allocator call still before it.
int sweep_on_new_thread(void (*body)(void *), void *argument);

/// 1 if the address lies in the file that this code is in too: the test bundle.
int sweep_is_own_code(uintptr_t address);

#endif
