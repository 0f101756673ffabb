// jump.c: a thread leaves an allocator call by siglongjmp out of a handler, once at each instruction of
// calls that reach a given slow path, and works on.  Nobody may wait for it for ever, nothing may be
// handed out twice.
//   jump OBJECT.so EVERY        every EVERY-th instruction
// A line for each path: instructions, jumps, jumps that left a lock of all threads behind.
// Exit: 0 all went on, 1 somebody hung or an object was handed out twice, 2 no path was reached.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../Sources/CNolock/include/nolock.h"

enum { SIZE = 64, MOST = 120000, AFTER = 3000, RESULT_END = 7, RESULT_TWICE = 8, RESULT_LEFT = 9 };
enum call { ALLOC, ALLOC_NOLOCK, FREE };
// `before`: objects allocated and freed before; a free path has them alive instead.
static const struct path { const char *name, *counter; enum call call; int before; } paths[] = {
  {"kmalloc, a sheaf filled from a new slab", "slab_alloc", ALLOC, 1},
  {"kmalloc, a sheaf of the barn", "barn_get", ALLOC, 2000},
  {"kmalloc, a sheaf filled from partial slabs", "partial_remove", ALLOC, MOST / 2},
  {"kmalloc_nolock, a new slab", "slab_alloc", ALLOC_NOLOCK, 1},
  {"kmalloc_nolock, a sheaf of the barn", "barn_get", ALLOC_NOLOCK, 2000},
  {"kfree, a new sheaf", "sheaf_alloc", FREE, MOST / 2},
  {"kfree, a sheaf to the barn", "barn_put", FREE, MOST / 2},
  {"kfree, objects to slabs", "sheaf_flush", FREE, MOST / 2},
  {"kfree, a slab back to the zone", "slab_free", FREE, MOST / 2},
};
static const struct nolock_ops *ops;
static const char *object;
static void *held[MOST];
static int held_count;

static uint64_t statistic(const char *name) {
  struct nolock_stat table[128];
  size_t count = ops->stats(table, 128);
  for (size_t i = 0; i < count && i < 128; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return 0;
}
static void load(void) {
  void *handle = dlopen(object, RTLD_NOW);
  const struct nolock_ops *(*subject)(uint32_t) =
    handle ? (const struct nolock_ops *(*)(uint32_t))dlsym(handle, "nolock_subject") : 0;
  ops = subject ? subject(NOLOCK_ABI) : 0;
  if (!ops) _exit(2);
  ops->control("worker", 0);
  ops->thread_attach();
}
static void prepare(const struct path *path) {
  while (held_count < path->before) held[held_count++] = ops->kmalloc(SIZE, 0, NOLOCK_NO_NODE);
  if (path->call == FREE) return;
  while (held_count > 0) ops->kfree(held[--held_count]);
}
__attribute__((noinline)) static void perform(enum call call) {
  switch (call) {
  case ALLOC: held[held_count] = ops->kmalloc(SIZE, 0, NOLOCK_NO_NODE); held_count++; break;
  case ALLOC_NOLOCK: held[held_count] = ops->kmalloc_nolock(SIZE, 0, NOLOCK_NO_NODE); held_count++; break;
  case FREE: held_count--; ops->kfree(held[held_count]); break;
  }
}

static sigjmp_buf way_out;
static volatile long boundary, last;
static void trap(int n) {
  (void)n;
  if (boundary++ == last) siglongjmp(way_out, 1);
}
static inline void set_trap_flag(void) {
  __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
}
static inline void clear_trap_flag(void) {
  __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

// Marks: an object that two have is marked by the second over the first.
static int work_on(void *bias) {
  static __thread void *own[AFTER];
  int twice = 0;
  for (int i = 0; i < AFTER; i++) {
    uint64_t *o = own[i] = ops->kmalloc(SIZE, 0, NOLOCK_NO_NODE);
    if (!o) continue;
    o[1] = (uintptr_t)o ^ (uintptr_t)bias;
    o[7] = ~o[1];
  }
  for (int i = 0; i < AFTER; i++) {
    uint64_t *o = own[i];
    if (!o) continue;
    twice |= o[1] != ((uintptr_t)o ^ (uintptr_t)bias) || o[7] != ~o[1];
    ops->kfree(o);
  }
  return twice;
}
static void *other(void *bias) { return (void *)(intptr_t)work_on(bias); }

static int child(const struct path *path, int calls) {
  load();
  prepare(path);
  while (calls-- > 0) perform(path->call);
  struct sigaction action = {.sa_handler = trap, .sa_flags = SA_NODEFER};
  sigaction(SIGTRAP, &action, 0);
  if (sigsetjmp(way_out, 1) == 0) {
    set_trap_flag();
    perform(path->call);
    clear_trap_flag();
    return RESULT_END;
  }
  alarm(10);
  // The thread's next slow call is what makes the others go on, so it need not be the first.
  pthread_t thread;
  if (pthread_create(&thread, 0, other, (void *)0x5555)) return 2;
  int twice = work_on((void *)0x3333);
  void *also;
  pthread_join(thread, &also);
  if (twice || also) return RESULT_TWICE;
  return statistic("lost_by_jump") ? RESULT_LEFT : 0;
}
static int calls_until(const struct path *path) {
  load();
  prepare(path);
  for (int calls = 0; calls < MOST / 2; calls++) {
    uint64_t before = statistic(path->counter);
    perform(path->call);
    if (statistic(path->counter) != before) return calls;
  }
  return -1;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  object = words[1];
  // Who starts this may have left them otherwise.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  signal(SIGALRM, SIG_DFL);
  int every = atoi(words[2]), reached = 0;
  for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
    int found[2], calls = -1, status;
    if (pipe(found)) return 2;
    if (fork() == 0) {
      calls = calls_until(&paths[p]);
      _exit(write(found[1], &calls, sizeof calls) != sizeof calls);
    }
    wait(&status);
    if (status || read(found[0], &calls, sizeof calls) != sizeof calls || calls < 0) {
      printf("%s: not reached\n", paths[p].name);
      continue;
    }
    reached++;
    long jumps = 0, left = 0;
    for (last = p % every;; last += every) {
      pid_t pid = fork();
      if (pid == 0) _exit(child(&paths[p], calls));
      waitpid(pid, &status, 0);
      if (WIFEXITED(status) && WEXITSTATUS(status) == RESULT_END) break;
      jumps++;
      if (WIFEXITED(status) && WEXITSTATUS(status) == RESULT_LEFT) left++;
      else if (status != 0) {
        printf("%s, boundary %ld: %s (status %d)\n", paths[p].name, last,
          WIFEXITED(status) && WEXITSTATUS(status) == RESULT_TWICE ? "handed out twice" : "hung or died", status);
        return 1;
      }
    }
    printf("%s: %ld instructions, %ld jumps, %ld left a lock\n", paths[p].name, last, jumps, left);
    fflush(stdout);
  }
  return reached ? 0 : 2;
}
