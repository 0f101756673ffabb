// race.c: several threads at once, against a mark in each object's first word.
#define _GNU_SOURCE
#include "sweep.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVE 0x6c6976652d6f626aull

static void mark(void *object, long *violations) {
  if (__atomic_exchange_n((uint64_t *)object, LIVE, __ATOMIC_SEQ_CST) == LIVE)
    __atomic_fetch_add(violations, 1, __ATOMIC_RELAXED);
}
static void unmark(void *object, long *violations) {
  if (__atomic_exchange_n((uint64_t *)object, 0, __ATOMIC_SEQ_CST) != LIVE)
    __atomic_fetch_add(violations, 1, __ATOMIC_RELAXED);
}
static uint32_t next(uint32_t *x) {
  *x ^= *x << 13;
  *x ^= *x >> 17;
  return *x ^= *x << 5;
}

struct owner {
  const struct nolock_ops *ops;
  size_t size;
  long stop, ready, operations, violations;
};

// Runs of up to nine allocations and frees: with sheaves of four objects every other call is slow,
// which is where the owner restores what the flusher poisons.
static void *own(void *p) {
  struct owner *o = p;
  void *live[9];
  int n = 0;
  uint32_t x = 7;
  while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
    int wanted = (int)(next(&x) % 10);
    for (; n < wanted; n++) {
      live[n] = o->ops->kmalloc(o->size, 0, NOLOCK_NO_NODE);
      if (!live[n]) {  // there is memory: a line was read while the flusher emptied it
        __atomic_fetch_add(&o->violations, 1, __ATOMIC_RELAXED);
        break;
      }
      mark(live[n], &o->violations);
    }
    for (; n > wanted; n--) {
      unmark(live[n - 1], &o->violations);
      o->ops->kfree(live[n - 1]);
    }
    o->operations++;
    __atomic_store_n(&o->ready, 1, __ATOMIC_RELEASE);
  }
  while (n) {
    unmark(live[--n], &o->violations);
    o->ops->kfree(live[n]);
  }
  return 0;
}

// The owner on one CPU and the flusher on another: on one alone nothing races.
static void part(pthread_t owner, cpu_set_t *before) {
  sched_getaffinity(0, sizeof *before, before);
  cpu_set_t one;
  int found = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && found < 2 && CPU_COUNT(before) > 1; cpu++) {
    if (!CPU_ISSET(cpu, before)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(found++ ? owner : pthread_self(), sizeof one, &one);
  }
}

long sweep_race(const struct nolock_ops *ops, size_t size, long flushes, uint32_t gap,
                long *operations) {
  struct owner o = {.ops = ops, .size = size};
  pthread_t thread;
  if (pthread_create(&thread, 0, own, &o)) return -1;
  cpu_set_t before;
  part(thread, &before);
  while (!__atomic_load_n(&o.ready, __ATOMIC_ACQUIRE)) usleep(100);
  int refused = 0;
  uint32_t x = 99;
  for (long i = 0; i < flushes && !refused; i++) {
    refused = ops->control("flush_here", 1);
    if (__atomic_load_n(&o.violations, __ATOMIC_RELAXED)) break;
    for (uint32_t n = gap ? next(&x) % gap : 0; n; n--) __asm__ volatile("" ::: "memory");
  }
  __atomic_store_n(&o.stop, 1, __ATOMIC_RELAXED);
  pthread_join(thread, 0);
  pthread_setaffinity_np(pthread_self(), sizeof before, &before);
  *operations = o.operations;
  return refused ? -1 : o.violations;
}

int sweep_has_membarrier(void) {
  long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return commands > 0 && commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED ? 1 : 0;
}

static uint64_t statistic(const struct nolock_ops *ops, const char *name) {
  struct nolock_stat table[200];
  size_t count = ops->stats(table, 200);
  for (size_t i = 0; i < count; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return ~0ull;
}

static int child(const struct nolock_ops *ops) {
  void *objects[2000];
  long violations = 0;
  for (int i = 0; i < 2000; i++) {
    if (!(objects[i] = ops->kmalloc(16 + (size_t)i % 2000, 0, NOLOCK_NO_NODE))) return 1;
    mark(objects[i], &violations);
  }
  for (int i = 0; i < 2000; i++) {
    unmark(objects[i], &violations);
    ops->kfree(objects[i]);
  }
  ops->barrier();
  // The parent's other threads do not live here: the restarted worker reclaims their blocks.
  for (int i = 0; i < 100; i++) {
    ops->control("flush", 1);
    if (statistic(ops, "vcpus_now") <= 2) return violations ? 2 : 0;
  }
  return 3;
}

int sweep_fork(const struct nolock_ops *ops, int threads, int forks) {
  struct owner o[16];
  pthread_t thread[16];
  if (threads > 16) threads = 16;
  for (int i = 0; i < threads; i++) {
    o[i] = (struct owner){.ops = ops, .size = 64u << (i % 4)};
    if (pthread_create(&thread[i], 0, own, &o[i])) return -1;
  }
  int failed = 0;
  for (int i = 0; i < forks && failed == 0; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      // A child that waits for a vanished thread must end, too; the tests' threads block signals.
      sigset_t none;
      sigemptyset(&none);
      pthread_sigmask(SIG_SETMASK, &none, 0);
      alarm(20);
      _exit(child(ops));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
      failed = -1;
    } else if (status != 0) {
      failed++;
    }
  }
  for (int i = 0; i < threads; i++) {
    __atomic_store_n(&o[i].stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread[i], 0);
  }
  return failed;
}

enum { SLOTS = 4096 };

struct exchange {
  const struct nolock_ops *ops;
  long operations, violations;
  uint32_t seed;
  void **slots;
};

static void *exchange(void *p) {
  struct exchange *e = p;
  uint32_t x = e->seed;
  for (long i = 0; i < e->operations; i++) {
    size_t size = 16 + (next(&x) & (x & 63 ? 1023 : 8175));
    void *object = e->ops->kmalloc(size, x >> 16 & 3, NOLOCK_NO_NODE);
    if (!object) {
      __atomic_fetch_add(&e->violations, 1, __ATOMIC_RELAXED);
      break;
    }
    mark(object, &e->violations);
    void *old = __atomic_exchange_n(&e->slots[next(&x) % SLOTS], object, __ATOMIC_ACQ_REL);
    if (!old) continue;
    unmark(old, &e->violations);
    e->ops->kfree(old);
  }
  return 0;
}

long sweep_exchange(const struct nolock_ops *ops, int threads, long operations) {
  static void *slots[SLOTS];
  struct exchange e[16];
  pthread_t thread[16];
  if (threads > 16) threads = 16;
  for (int i = 0; i < threads; i++) {
    e[i] = (struct exchange){ops, operations, 0, 17u + (uint32_t)i, slots};
    if (pthread_create(&thread[i], 0, exchange, &e[i])) return -1;
  }
  long violations = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(thread[i], 0);
    violations += e[i].violations;
  }
  for (int i = 0; i < SLOTS; i++) {
    if (slots[i]) {
      unmark(slots[i], &violations);
      ops->kfree(slots[i]);
    }
    slots[i] = 0;
  }
  return violations;
}
