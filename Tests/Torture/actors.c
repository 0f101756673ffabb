#define _GNU_SOURCE
#include <setjmp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "torture.h"

enum { SLOTS = 2048 };
static void *slots[SLOTS];

/// Hands objects to whoever comes by, and frees what it finds: most frees are another thread's.
void *torture_exchange(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  torture_arm();
  while (!OVER()) {
    void *object = torture_take(&x, x >> 20 & 1);
    void **slot = &slots[torture_next(&x) % SLOTS];
    void *old = __atomic_exchange_n(slot, object, __ATOMIC_ACQ_REL);
    if (old) torture_give(old, x >> 21 & 1);
    COUNT(exchanged);
  }
  torture_disarm();
  // Until all is over: the last ones empty the slots.
  for (int i = 0; i < SLOTS; i++) {
    void *old = __atomic_exchange_n(&slots[i], 0, __ATOMIC_ACQ_REL);
    if (old) torture_give(old, 0);
  }
  return 0;
}

static void *short_life(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  int only_nolock = x & 1, armed = x >> 1 & 1;
#if __has_feature(thread_sanitizer)
  // Without an ordinary call there is no exit hook, and the worker sees the thread's end by tgkill:
  // the kernel orders that, which ThreadSanitizer cannot know.
  only_nolock = 0;
#endif
  if (armed) torture_arm();
  void *kept[20] = {0};
  for (int i = 0; i < 200; i++) {
    void **slot = &kept[torture_next(&x) % 20];
    if (*slot) torture_give(*slot, only_nolock);
    *slot = torture_take(&x, only_nolock);
  }
  for (int i = 0; i < 20; i++)
    if (kept[i]) torture_give(kept[i], only_nolock);
  if (armed) torture_disarm();
  return 0;
}

/// Threads that are born, allocate, and end under the storm, some without an ordinary call.
void *torture_births(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  while (!OVER()) {
    pthread_t thread[8];
    int n = 0;
    for (int i = 0; i < 8; i++)
      n += pthread_create(&thread[n], 0, short_life, (void *)(uintptr_t)torture_next(&x)) == 0;
    for (int i = 0; i < n; i++) pthread_join(thread[i], 0);
    __atomic_fetch_add(&counted.births, n, __ATOMIC_RELAXED);
    usleep(2000);
  }
  return 0;
}

static int child(void) {
  uint32_t x = 4711;
  long before = violations;
  void *objects[500];
  for (int i = 0; i < 500; i++) objects[i] = torture_take(&x, i & 1);
  for (int i = 0; i < 500; i++)
    if (objects[i]) torture_give(objects[i], i >> 1 & 1);
  ops->barrier();
  return violations != before;
}

/// Forks in the middle of it all; the child allocates at once.
void *torture_forks(void *seed) {
  (void)seed;
  while (!OVER()) {
    pid_t pid = fork();
    if (pid == 0) {
      alarm(20);
      _exit(child());
    }
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status) {
      fprintf(stderr, "torture: a child ended with status %#x\n", status);
      VIOLATION();
    }
    COUNT(forks);
    usleep(30000);
  }
  return 0;
}

/// The memory limit is hit, now and then, for some milliseconds.
void *torture_limits(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  while (!OVER()) {
    usleep(50000);
    uint64_t used = torture_statistic("pages_bytes_now");
    ops->control("limit", used / 2 + torture_next(&x) % (used + 4096) + 1);
    usleep(20000);
    ops->control("limit", 0);
    COUNT(limits);
  }
  return 0;
}

static __thread sigjmp_buf way_out;
static __thread volatile sig_atomic_t may_jump;
static void jump(int number) {
  (void)number;
  if (!may_jump) return;
  may_jump = 0;
  siglongjmp(way_out, 1);
}

static void *jumping_life(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  // Enough that sheaves run dry and fill up; an object is lost at a jump at most.
  static __thread void *volatile held[96];
  if (sigsetjmp(way_out, 1) == 0) {
    may_jump = 1;
    // Every slow path, too: what the signal leaves behind may be a lock of all threads.
    for (volatile uint32_t i = 0; !OVER(); i++) {
      void *volatile *slot = &held[i % 96];
      void *object = *slot;
      *slot = 0;
      if (i & 1) ops->kfree(object);
      else ops->kfree_nolock(object);
      if (i / 96 % 2) continue;
      size_t size = 8u << i / 1000 % 11;
      *slot = i & 2 ? ops->kmalloc(size, 0, NOLOCK_NO_NODE)
                    : ops->kmalloc_nolock(size, 0, NOLOCK_NO_NODE);
    }
    may_jump = 0;
  }
  for (int i = 0; i < 96; i++) ops->kfree(held[i]);
  for (int i = 0; i < 500; i++) {
    void *object = torture_take(&x, i & 1);
    if (object) torture_give(object, i >> 1 & 1);
  }
  return 0;
}

/// Threads that leave a handler by siglongjmp, and work on.
void *torture_jumps(void *seed) {
  uint32_t x = (uint32_t)(uintptr_t)seed;
  struct sigaction action = {.sa_handler = jump};
  sigaction(SIGUSR2, &action, 0);
  while (!OVER()) {
    pthread_t thread;
    if (pthread_create(&thread, 0, jumping_life, (void *)(uintptr_t)torture_next(&x))) continue;
    usleep(1000 + torture_next(&x) % 1000);
    pthread_kill(thread, SIGUSR2);
    usleep(1000);
    pthread_kill(thread, SIGUSR2);  // the first may have come too early
    pthread_join(thread, 0);
    COUNT(jumps);
    usleep(20000);
  }
  return 0;
}

struct crowd {
  pthread_barrier_t all;
  uint32_t seed;
};
static void *stand(void *p) {
  struct crowd *crowd = p;
  uint32_t x = __atomic_add_fetch(&crowd->seed, 2, __ATOMIC_RELAXED);
  void *first = torture_take(&x, x & 2);
  pthread_barrier_wait(&crowd->all);
  if (first) torture_give(first, x & 4);
  return 0;
}

void torture_crowd(int threads) {
  struct crowd crowd = {.seed = 17};
  pthread_t *thread = calloc((size_t)threads, sizeof *thread);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  pthread_barrier_init(&crowd.all, 0, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    if (pthread_create(&thread[i], &attributes, stand, &crowd)) {
      perror("torture: a thousand threads");
      exit(2);
    }
  }
  for (int i = 0; i < threads; i++) pthread_join(thread[i], 0);
  // Those that only made nolock calls have no exit hook: the helper thread finds them.
  for (int i = 0; i < 100 && torture_statistic("vcpus_now") > 3; i++) ops->control("flush", 1);
  if (torture_statistic("vcpus_now") > 3) VIOLATION();
  pthread_barrier_destroy(&crowd.all);
  free(thread);
  COUNT(crowds);
}
