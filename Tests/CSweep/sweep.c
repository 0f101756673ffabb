#define _GNU_SOURCE
#include "sweep.h"
#include <pthread.h>
#include <string.h>
#include "../../Sources/CPlatform/include/step.h"

// The shadow heap is a mark in the object's first word: set by exchange at allocation, cleared at
// free.  The allocator keeps its link in the object's middle, so the word is ours for sizes >= 16.
#define LIVE 0x6c6976652d6f626aull

static void mark(struct sweep *s, void *object) {
  if (__atomic_exchange_n((uint64_t *)object, LIVE, __ATOMIC_SEQ_CST) == LIVE) s->violations++;
  s->allocated++;
}

static void unmark(struct sweep *s, void *object) {
  if (__atomic_exchange_n((uint64_t *)object, 0, __ATOMIC_SEQ_CST) != LIVE) s->violations++;
  s->freed++;
}

void *sweep_allocate(struct sweep *s) {
  void *object = s->ops->kmalloc(s->size, s->gfp, NOLOCK_NO_NODE);
  if (object) mark(s, object);
  return object;
}

void sweep_free(struct sweep *s, void *object) {
  unmark(s, object);
  s->ops->kfree(object);
}

static void handler_free(struct sweep *s, void *object) {
  unmark(s, object);
  s->ops->kfree_nolock(object);
  s->handler_freed++;
}

// Allocates one, frees the oldest it holds, and one of another thread.  Freeing what was just
// allocated would put the same head back and test nothing.
static void handler(void *context, long boundary, uintptr_t rip) {
  (void)rip;
  struct sweep *s = context;
  if (s->only && s->only != boundary) return;
  s->handler_runs++;
  uint32_t before = s->context ? s->ops->context(s->context) : 0;
  void *object = s->ops->kmalloc_nolock(s->size, s->gfp, NOLOCK_NO_NODE);
  if (object) {
    mark(s, object);
    s->handler_allocated++;
    if (s->held_count == SWEEP_HELD) {
      handler_free(s, s->held[0]);
      memmove(s->held, s->held + 1, (SWEEP_HELD - 1) * sizeof *s->held);
      s->held_count--;
    }
    s->held[s->held_count++] = object;
  } else {
    s->handler_null++;
  }
  if (s->foreign_count) handler_free(s, s->foreign[--s->foreign_count]);
  if (s->context) s->ops->context(before);
}

struct call {
  struct sweep *sweep;
  const struct nolock_ops *ops;
  size_t size;
  uint32_t gfp;
  void *object;
};

static void call_kmalloc(void *p) {
  struct call *c = p;
  c->object = c->ops->kmalloc(c->size, c->gfp, NOLOCK_NO_NODE);
}
static void call_kmalloc_nolock(void *p) {
  struct call *c = p;
  c->object = c->ops->kmalloc_nolock(c->size, c->gfp, NOLOCK_NO_NODE);
}
static void call_kfree(void *p) {
  struct call *c = p;
  c->ops->kfree(c->object);
}
static void call_kfree_nolock(void *p) {
  struct call *c = p;
  c->ops->kfree_nolock(c->object);
}
static void (*const calls[])(void *) = {call_kmalloc, call_kfree, call_kmalloc_nolock,
                                        call_kfree_nolock};

static int allocates(enum sweep_operation o) {
  return o == SWEEP_KMALLOC || o == SWEEP_KMALLOC_NOLOCK;
}

void *sweep_run(struct sweep *s, enum sweep_operation operation, void *object) {
  struct call c = {s, s->ops, s->size, s->gfp, object};
  struct nl_step step = {.visit = handler, .context = s};
  if (!allocates(operation)) unmark(s, object);
  nl_step_run(&step, calls[operation], &c);
  s->boundaries = step.traps;
  s->instructions = step.instructions;
  if (!allocates(operation)) return 0;
  if (c.object) mark(s, c.object);
  return c.object;
}

static void *null_kmalloc(size_t size, uint32_t gfp, int32_t node) {
  (void)size, (void)gfp, (void)node;
  return 0;
}
static void null_kfree(void *object) { (void)object; }

long sweep_count(const struct nolock_ops *ops, enum sweep_operation operation, size_t size,
                 uint32_t gfp, void **object) {
  // The trampoline's own instructions are those of the same call of a function that only returns.
  const struct nolock_ops null = {.kmalloc = null_kmalloc, .kfree = null_kfree,
                                  .kmalloc_nolock = null_kmalloc, .kfree_nolock = null_kfree};
  struct call c = {0, &null, size, gfp, *object}, d = {0, ops, size, gfp, *object};
  struct nl_step empty = {0}, real = {0};
  nl_step_run(&empty, calls[operation], &c);
  nl_step_run(&real, calls[operation], &d);
  if (allocates(operation)) *object = d.object;
  // The null functions are `xor %eax,%eax; ret` and `ret`; their instructions belong to neither.
  return real.instructions - empty.instructions + (allocates(operation) ? 2 : 1);
}

static void see_lock(void *context, long boundary, uintptr_t rip) {
  (void)boundary;
  *(long *)context += *(const unsigned char *)rip == 0xf0;
}

long sweep_count_locked(const struct nolock_ops *ops, enum sweep_operation operation, size_t size,
                        uint32_t gfp, void **object) {
  struct call c = {0, ops, size, gfp, *object};
  long locked = 0;
  struct nl_step step = {.visit = see_lock, .context = &locked};
  nl_step_run(&step, calls[operation], &c);
  if (allocates(operation)) *object = c.object;
  return locked;
}

static void *allocate_foreign(void *p) {
  struct sweep *s = p;
  while (s->foreign_count < s->only) {
    void *object = sweep_allocate(s);
    if (!object) break;
    s->foreign[s->foreign_count++] = object;
  }
  return 0;
}

int sweep_add_foreign(struct sweep *s, int count) {
  long only = s->only;
  s->only = s->foreign_count + count > SWEEP_FOREIGN ? SWEEP_FOREIGN : s->foreign_count + count;
  pthread_t thread;
  int error = pthread_create(&thread, 0, allocate_foreign, s);
  if (!error) pthread_join(thread, 0);
  s->only = only;
  return error ? -1 : s->foreign_count;
}

void sweep_release(struct sweep *s) {
  while (s->held_count) sweep_free(s, s->held[--s->held_count]);
  while (s->foreign_count) sweep_free(s, s->foreign[--s->foreign_count]);
}

struct body {
  void (*run)(void *);
  void *argument;
};
static void *run_body(void *p) {
  struct body *b = p;
  b->run(b->argument);
  return 0;
}
int sweep_on_new_thread(void (*run)(void *), void *argument) {
  struct body b = {run, argument};
  pthread_t thread;
  int error = pthread_create(&thread, 0, run_body, &b);
  if (!error) pthread_join(thread, 0);
  return error;
}
