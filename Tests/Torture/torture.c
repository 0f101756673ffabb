// torture OBJECT.so SECONDS SEED [quiet]: the allocator under everything at once.  `quiet`: without
// signals and forks, as ThreadSanitizer needs it.  0: the books balance; 1: they do not; 2: usage.
#define _GNU_SOURCE
#include "torture.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

const struct nolock_ops *ops;
uint32_t over;
long violations;
struct torture_counts counted;
int with_signals = 1;

enum { LIVE = 0x6f626a };

uint64_t torture_statistic(const char *name) {
  struct nolock_stat table[128];
  size_t count = ops->stats(table, 128);
  for (size_t i = 0; i < count && i < 128; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return 0;
}

// The size stands in the mark, and the mark at both ends and in the middle, where the allocator
// keeps its link while the object is free.
static uint64_t mark_of(size_t size) { return (uint64_t)size << 32 | LIVE; }

void *torture_take(uint32_t *x, int nolock) {
  size_t size = 32 + (torture_next(x) & (*x & 48 ? 1023 : 8127));
  uint32_t flags = *x >> 12 & 3;
  uint64_t *object = nolock ? ops->kmalloc_nolock(size, flags, NOLOCK_NO_NODE)
                            : ops->kmalloc(size, flags, NOLOCK_NO_NODE);
  if (!object) return 0;
  size_t words = size / 8;
  if (flags & NOLOCK_GFP_ZERO && (object[0] | object[words / 2] | object[words - 1])) VIOLATION();
  // What is handed out twice is marked twice: its size and both ends then disagree with one of them.
  if ((uint32_t)__atomic_exchange_n(object, mark_of(size), __ATOMIC_SEQ_CST) == LIVE) VIOLATION();
  for (size_t i = 1; i < words; i++) object[i] = mark_of(size) ^ (uintptr_t)object;
  return object;
}

void torture_give(void *p, int nolock) {
  uint64_t *object = p;
  uint64_t mark = __atomic_exchange_n(object, 0, __ATOMIC_SEQ_CST);
  size_t size = mark >> 32;
  if ((uint32_t)mark != LIVE || size < 32 || size > 8192) {
    VIOLATION();
    return;
  }
  for (size_t i = 1; i < size / 8; i++)
    if (object[i] != (mark ^ (uintptr_t)object)) {
      VIOLATION();
      break;
    }
  nolock ? ops->kfree_nolock(object) : ops->kfree(object);
}

/// Objects that callers hold, by the allocator's own count.
static long live(void) {
  return (long)(torture_statistic("alloc_fast") + torture_statistic("alloc_slow") +
                torture_statistic("alloc_large") - torture_statistic("free_fast") -
                torture_statistic("free_slow") - torture_statistic("free_deferred") -
                torture_statistic("free_large"));
}

static void load(const char *path) {
  void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  if (subject) ops = subject(NOLOCK_ABI);
  if (ops) return;
  fprintf(stderr, "torture: '%s' is no subject: %s\n", path, dlerror());
  exit(2);
}

int main(int count, char **arguments) {
  if (count < 4) return fputs("usage: torture OBJECT.so SECONDS SEED [quiet]\n", stderr), 2;
  load(arguments[1]);
  int seconds = atoi(arguments[2]);
  uint32_t seed = (uint32_t)atoi(arguments[3]) | 1;
  with_signals = count == 4;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  if (with_signals) torture_handlers();

  torture_crowd(with_signals ? 1000 : 200);
  void *(*const actors[])(void *) = {torture_exchange, torture_exchange, torture_exchange,
                                     torture_births,   torture_limits,   torture_jumps,
                                     torture_forks};
  enum { ACTORS = sizeof actors / sizeof *actors };
  pthread_t thread[ACTORS];
  int started = with_signals ? ACTORS : ACTORS - 2;
  for (int i = 0; i < started; i++) {
    if (pthread_create(&thread[i], 0, actors[i], (void *)(uintptr_t)(seed + 2u * (unsigned)i)))
      return perror("torture"), 2;
  }
  for (int i = 0; i < seconds; i++) sleep(1);
  __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < started; i++) pthread_join(thread[i], 0);
  ops->control("limit", 0);
  ops->control("flush", 1);
  ops->barrier();
  ops->barrier();
  // A call that was left by siglongjmp may have counted, or not.
  long left = live(), deferred = (long)(torture_statistic("free_deferred") -
                                        torture_statistic("deferred_drained"));
  printf("seed %u: %ld exchanged, %ld births, %ld handlers (%ld nested, %ld NULL), %ld forks, "
         "%ld limits, %ld jumps, %ld crowds; %ld violations, live %ld, deferred %ld\n",
         seed, counted.exchanged, counted.births, counted.handlers, counted.nested,
         counted.handler_null, counted.forks, counted.limits, counted.jumps, counted.crowds,
         violations, left, deferred);
  int balanced = left >= -counted.jumps && left <= counted.jumps && deferred <= counted.jumps;
  return violations || !balanced || !counted.exchanged;
}
