#define _GNU_SOURCE
#include "boundaries.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "frozen.h"
#include "shadow.h"
#include "statistics.h"

enum { HELD = 48 };

// This process's part; every child has its own copy.
static struct {
  int mode;          // 0: the undisturbed parent
  long boundary;
  struct nl_call call;
  void *held[HELD];
  int held_count;
  int violations;
  uint64_t slabs_deferred;  // before the call
} me;

static struct boundaries_count *counts(struct boundaries *b) {
  return me.mode == BOUNDARIES_LINEAR ? &b->linear : me.mode == BOUNDARIES_FRESH ? &b->fresh
         : me.mode == BOUNDARIES_FROZEN ? &b->frozen : &b->nested;
}

static void *take(struct boundaries *b) {
  void *object = b->ops->kmalloc_nolock(b->size, 0, NOLOCK_NO_NODE);
  if (object) {
    me.violations += shadow_mark(object, b->size);
    counts(b)->allocated++;
  } else {
    counts(b)->null++;
  }
  return object;
}

static void give(struct boundaries *b, void *object) {
  me.violations += shadow_unmark(object, b->size);
  b->ops->kfree_nolock(object);
  counts(b)->freed++;
}

static void keep(struct boundaries *b, void *object) {
  if (!object) return;
  if (me.held_count == HELD) {
    give(b, me.held[0]);
    memmove(me.held, me.held + 1, (HELD - 1) * sizeof *me.held);
    me.held_count--;
  }
  me.held[me.held_count++] = object;
}

static uint32_t interrupt(struct boundaries *b) {
  return b->declares ? b->ops->context(NOLOCK_CONTEXT_SOFTIRQ) : 0;
}
static void resume(struct boundaries *b, uint32_t before) {
  if (b->declares) b->ops->context(before);
}

/// Another thread's object freed first, when the sheaf is as the call left it; two allocations that
/// stay, because the first gets what was just freed; one that is freed again.
static void handler(struct boundaries *b) {
  counts(b)->handlers++;
  uint32_t before = interrupt(b);
  if (b->foreign_count) give(b, b->foreign[--b->foreign_count]);
  keep(b, take(b));
  keep(b, take(b));
  void *third = take(b);
  if (third) give(b, third);
  resume(b, before);
}

// MARK: visitors, called in the trap handler.

static int record(void *context, long boundary, uintptr_t rip) {
  struct boundaries *b = context;
  if (boundary <= BOUNDARIES_RIPS) b->rip[boundary - 1] = rip;
  b->traps = boundary;
  return 0;
}

static int visit_all(void *context, long boundary, uintptr_t rip) {
  (void)rip, (void)boundary;
  handler(context);
  return 0;
}

static void found(struct boundaries *b, int mode, long boundary, int status) {
  int finding = (status & 127) == 0 ? status >> 8
                : (status & 127) == SIGALRM ? BOUNDARIES_HUNG : BOUNDARIES_DIED;
  if (!finding) return;
  if (b->findings++) return;
  b->first_finding = finding;
  b->first_mode = mode;
  b->first_boundary = boundary;
}

/// 1 in the child, which has a part of its own from here on; 0 in the parent, when the child has
/// ended.
static int child(struct boundaries *b, int mode, long boundary) {
  long foreign = b->foreign_count;
  // Who has a child per pair has thousands of them, one after the other.
  int32_t pid = nl_boundary_fork(mode == BOUNDARIES_PRODUCT && me.mode != mode ? 600 : 20);
  if (pid == 0) {
    me.mode = mode;
    me.boundary = boundary;
    counts(b)->processes++;
    return 1;
  }
  found(b, mode, boundary, pid < 0 ? -1 : nl_boundary_wait(pid));
  b->foreign_count = foreign;
  return 0;
}

static int visit_pair(void *context, long boundary, uintptr_t rip) {
  (void)rip, (void)boundary;
  struct boundaries *b = context;
  if (!child(b, me.mode, me.boundary)) return 0;
  handler(b);
  return 1;
}

/// The handler itself interrupted.
static void nested(struct boundaries *b) {
  nl_boundary_visitor visit = me.mode == BOUNDARIES_PRODUCT ? visit_pair : visit_all;
  counts(b)->handlers++;
  uint32_t before = interrupt(b);
  struct nl_call call = {.allocate = b->ops->kmalloc_nolock, .size = b->size};
  nl_call_step(&call, visit, b);
  if (call.object) me.violations += shadow_mark(call.object, b->size);
  if (!b->foreign_count) goto out;
  struct nl_call release = {.release = b->ops->kfree_nolock,
                            .object = b->foreign[--b->foreign_count]};
  me.violations += shadow_unmark(release.object, b->size);
  nl_call_step(&release, visit, b);
out:
  if (call.object) {
    me.violations += shadow_unmark(call.object, b->size);
    b->ops->kfree_nolock(call.object);
  }
  resume(b, before);
}

static int visit_fork(void *context, long boundary, uintptr_t rip) {
  (void)rip;
  struct boundaries *b = context;
  if (boundary > BOUNDARIES_RIPS) return 0;
  int take_fresh = b->take[boundary - 1] & 1, take_frozen = b->take[boundary - 1] & 2;
  if (take_fresh && b->modes & BOUNDARIES_FRESH && child(b, BOUNDARIES_FRESH, boundary)) {
    handler(b);
    return 1;
  }
  int mode = b->modes & (BOUNDARIES_NESTED | BOUNDARIES_PRODUCT);
  if (take_fresh && mode && child(b, mode, boundary)) {
    nested(b);
    return 1;
  }
  if (take_frozen && b->modes & BOUNDARIES_FROZEN && child(b, BOUNDARIES_FROZEN, boundary)) {
    counts(b)->handlers++;
    uint32_t before = interrupt(b);
    void *object = take(b);
    if (object) me.held[me.held_count++] = object;
    frozen_at(b);
    resume(b, before);
    return 1;
  }
  return 0;
}

// MARK: the experiment.

/// Keeps about `most` of the `count` boundaries that have `bit`; their number.
static long thin(struct boundaries *b, long n, unsigned char bit, long count, long most) {
  long kept = 0, seen = 0;
  for (long i = 0; i < n; i++) {
    if (!(b->take[i] & bit)) continue;
    if (count <= most || seen * most / count != (seen + 1) * most / count)
      kept++;
    else
      b->take[i] &= (unsigned char)~bit;
    seen++;
  }
  return kept;
}

static void choose(struct boundaries *b) {
  long n = b->traps < BOUNDARIES_RIPS ? b->traps : BOUNDARIES_RIPS, count = 0;
  for (long i = 0; i < n; i++) {
    int before = 0, after = 0;
    if (n > b->limit) {
      for (long j = i - 1; j >= 0 && before < 2; j--) before += b->rip[j] == b->rip[i];
      for (long j = i + 1; j < n && !after; j++) after = b->rip[j] == b->rip[i];
    }
    b->take[i] = before < 2 || !after ? 3 : 0;
    count += b->take[i] != 0;
  }
  b->chosen = n > b->limit ? thin(b, n, 1, count, b->most) : count;
  b->chosen_frozen = thin(b, n, 2, count, b->most);
}

void boundaries_perform(void *context, struct nl_call *call) {
  struct boundaries *b = context;
  memset(&me, 0, sizeof me);
  me.slabs_deferred = statistic(b->ops, "deactivate_deferred");
  int32_t pid = nl_boundary_fork(120);
  if (pid == 0) {
    b->instructions = nl_call_step(call, record, b).instructions;
    nl_boundary_exit(0);
  }
  found(b, 0, 0, nl_boundary_wait(pid));
  choose(b);
  if (b->modes & BOUNDARIES_LINEAR && child(b, BOUNDARIES_LINEAR, 0)) {
    nl_call_step(call, visit_all, b);
  } else {
    nl_call_step(call, visit_fork, b);
  }
  me.call = *call;
}

/// Everything is freed; nothing may be handed out twice, and the books balance.
static int verify(struct boundaries *b, const struct nl_leftover *leftover) {
  const struct nolock_ops *ops = b->ops;
  if (me.mode == BOUNDARIES_FROZEN) {
    int finding = frozen_end();
    if (finding) return finding;
  }
  if (me.call.allocate && me.call.object)
    me.violations += shadow_mark(me.call.object, b->size);
  for (long i = 0; i < leftover->count; i++) {
    if (!leftover->objects[i]) continue;
    me.violations += shadow_mark(leftover->objects[i], b->size);
  }
  enum { FURTHER = 300 };
  void *further[FURTHER];
  for (int i = 0; i < FURTHER; i++) {
    further[i] = i % 4 ? ops->kmalloc(b->size, 0, NOLOCK_NO_NODE)
                       : ops->kmalloc_nolock(b->size, 0, NOLOCK_NO_NODE);
    if (further[i]) me.violations += shadow_mark(further[i], b->size);
  }
  for (int i = 0; i < FURTHER; i++) {
    if (!further[i]) continue;
    me.violations += shadow_unmark(further[i], b->size);
    ops->kfree(further[i]);
  }
  for (long i = 0; i < leftover->count; i++) {
    if (!leftover->objects[i]) continue;
    me.violations += shadow_unmark(leftover->objects[i], b->size);
    ops->kfree(leftover->objects[i]);
  }
  while (me.held_count) {
    void *object = me.held[--me.held_count];
    me.violations += shadow_unmark(object, b->size);
    ops->kfree(object);
  }
  if (me.call.allocate && me.call.object) {
    me.violations += shadow_unmark(me.call.object, b->size);
    ops->kfree(me.call.object);
  }
  for (long i = 0; i < b->foreign_count; i++) {
    me.violations += shadow_unmark(b->foreign[i], b->size);
    ops->kfree(b->foreign[i]);
  }
  ops->barrier();
  b->slabs_deferred += statistic(ops, "deactivate_deferred") > me.slabs_deferred;
  if (me.violations) return BOUNDARIES_TWICE;
  if (statistic(ops, "free_deferred") != statistic(ops, "deferred_drained") ||
      statistic(ops, "lost_lines") || statistic(ops, "bad_free"))
    return BOUNDARIES_LOST;
  // Nobody else in this process holds an object.
  return statistics_live(ops) == 0 ? 0 : BOUNDARIES_UNBALANCED;
}

void boundaries_finish(void *context, const struct nl_leftover *leftover) {
  struct boundaries *b = context;
  int finding = verify(b, leftover);
  if (me.mode) nl_boundary_exit(finding);
  found(b, 0, 0, finding << 8);
}

// MARK: preparation.

struct foreign {
  struct boundaries *b;
  long count;
};
static void *add_foreign(void *p) {
  struct foreign *f = p;
  struct boundaries *b = f->b;
  for (long i = 0; i < f->count && b->foreign_count < BOUNDARIES_FOREIGN; i++) {
    void *object = b->ops->kmalloc(b->size, 0, NOLOCK_NO_NODE);
    if (!object) break;
    shadow_mark(object, b->size);
    b->foreign[b->foreign_count++] = object;
  }
  return 0;
}
int boundaries_add_foreign(struct boundaries *b, long count) {
  struct foreign f = {b, count};
  pthread_t thread;
  int error = pthread_create(&thread, 0, add_foreign, &f);
  if (!error) pthread_join(thread, 0);
  return error;
}

void boundaries_reset(struct boundaries *b, long foreign) {
  b->foreign_count = foreign;
  memset(&b->traps, 0, offsetof(struct boundaries, rip) - offsetof(struct boundaries, traps));
}

static void print_count(const char *mode, const struct boundaries_count *c) {
  printf(" %s=%ld %s_handlers=%ld %s_allocated=%ld %s_null=%ld %s_freed=%ld", mode, c->processes,
         mode, c->handlers, mode, c->allocated, mode, c->null, mode, c->freed);
}

void boundaries_print(const struct boundaries *b, const char *name) {
  printf("%s boundaries=%ld instructions=%ld chosen=%ld chosen_frozen=%ld", name, b->traps,
         b->instructions, b->chosen, b->chosen_frozen);
  print_count("linear", &b->linear);
  print_count("fresh", &b->fresh);
  print_count("nested", &b->nested);
  print_count("frozen", &b->frozen);
  printf(" held=%ld not_taken=%ld central=%ld calls=%ld slabs_deferred=%ld findings=%ld",
         b->frozen_held, b->frozen_not_taken, b->frozen_central, b->frozen_calls,
         b->slabs_deferred, b->findings);
  if (b->findings)
    printf(" first=%d mode=%d boundary=%ld", b->first_finding, b->first_mode, b->first_boundary);
  puts("");
  fflush(stdout);
}

int boundaries_keep_on_fork(void) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  if (!maps) return 0;
  char line[512];
  unsigned long from = 0, to = 0, first, last;
  int pages = 0;
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx ", &first, &last) == 2) from = first, to = last;
    if (strncmp(line, "VmFlags:", 8) != 0 || !strstr(line, " wf")) continue;
    pages += madvise((void *)from, to - from, MADV_KEEPONFORK) == 0;
  }
  fclose(maps);
  return pages;
}
