// inherited.c: what a thread that left a call by siglongjmp, or vanished in a fork, leaves to others.
//   inherited OBJECT.so ends EVERY   a thread that only made nolock calls leaves one, and ends
//   inherited OBJECT.so drain        a thread leaves a drain, and ends: the next gets its block
//   inherited OBJECT.so fork         another thread held list_lock at the fork: the child frees to what
//                                    was given up (probes are built in)
//   inherited OBJECT.so fork-in-drain EVERY   a handler forks while its thread drains, and starts the
//                                    child's worker: nothing is freed a second time (probes)
// Exit: 0 all went on, 1 somebody hung or something was lost for ever, 2 the state was not reached.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../CSweep/statistics.h"

enum { MOST = 6000, END = 7, LEFT = 9, LINE_ALLOC = 0, LIST_LOCK = 2, DRAIN = 5 };
static const struct nolock_ops *ops;
static void *objects[MOST];
static sigjmp_buf way_out;

static long count_of(const char *name) { return (long)statistic(ops, name); }
static void *allocate(size_t size) { return ops->kmalloc(size, 0, NOLOCK_NO_NODE); }
static void load(const char *path) {
  void *handle = dlopen(path, RTLD_NOW);
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (handle) *(void **)&subject = dlsym(handle, "nolock_subject");
  if (!subject || !(ops = subject(NOLOCK_ABI))) _exit(2);
  ops->thread_attach();
}
static void in_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  if (pthread_create(&thread, 0, body, argument)) _exit(2);
  pthread_join(thread, 0);
}
static inline void set_trap_flag(void) {
  __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
}
static inline void clear_trap_flag(void) {
  __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}
static void work(int count) {
  for (int i = 0; i < count; i++) objects[i] = allocate(64);
  for (int i = 0; i < count; i++) ops->kfree(objects[i]);
}

static volatile long boundary, last;
// A child for each boundary, until one reports END: there are no more.  0: each went on, and there was
// one at least; *left: how many reported LEFT.
static int each_boundary(const char *path, int every, int (*one)(const char *), long *left) {
  long done = 0;
  for (last = 0;; last += every, done++) {
    pid_t pid = fork();
    if (pid == 0) _exit(one(path));
    int status;
    waitpid(pid, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == END) break;
    if (code == 2) return 2;
    if (code == LEFT) ++*left;
    else if (code) return printf("boundary %ld: hung, died or twice (status %x)\n", last, status), 1;
  }
  printf("%ld boundaries, %ld left a lock\n", done, *left);
  return done ? 0 : 2;
}

// ends
static int jumped;
static void trap(int n) {
  (void)n;
  if (boundary++ == last) siglongjmp(way_out, 1);
}
static void *nolock_only(void *unused) {
  static void *own[401];
  for (int i = 0; i < 400; i++) own[i] = ops->kmalloc_nolock(64, 0, NOLOCK_NO_NODE);
  if (sigsetjmp(way_out, 1)) {
    jumped = 1;
    return unused;
  }
  set_trap_flag();
  own[400] = ops->kmalloc_nolock(64, 0, NOLOCK_NO_NODE);
  clear_trap_flag();
  return unused;
}
static int one_end(const char *path) {
  load(path);
  work(200);
  struct sigaction action = {.sa_handler = trap, .sa_flags = SA_NODEFER};
  sigaction(SIGTRAP, &action, 0);
  alarm(10);
  in_thread(nolock_only, 0);
  if (!jumped) return END;
  work(MOST);  // waits until the worker has found that the thread is dead
  return count_of("lost_by_jump") ? LEFT : 0;
}
static int ends(const char *path, int every) {
  long left = 0;
  int result = each_boundary(path, every, one_end, &left);
  return result ? result : left ? 0 : 2;
}

// drain
static __thread int armed;
static int deferring, stepping;
static void probe(uint32_t point) {
  if (armed && point == DRAIN) {
    armed = 0;
    siglongjmp(way_out, 1);
  }
  if (!deferring || point != LINE_ALLOC) return;
  int count = deferring;
  deferring = 0;
  for (int i = 0; i < count; i++) ops->kfree_nolock(objects[i]);
  if (stepping) set_trap_flag();
}
static void defer(int count) {  // frees of a handler that meets the line held
  static void *taken[MOST];
  for (int i = 0; i < count; i++) objects[i] = allocate(64);
  int n = 0;
  for (deferring = count; deferring && n < MOST; n++) taken[n] = allocate(64);
  while (n) ops->kfree(taken[--n]);
}
static void *leaves_drain(void *left) {
  if (sigsetjmp(way_out, 1)) {
    *(int *)left = 1;
    return 0;
  }
  armed = 1;
  defer(20);
  work(3000);
  return 0;
}
static void *defers(void *difference) {
  long deferred = count_of("free_deferred"), drained = count_of("deferred_drained");
  for (int i = 0; i < 20; i++) {
    defer(50);
    ops->barrier();
  }
  *(long *)difference =
      count_of("free_deferred") - deferred - (count_of("deferred_drained") - drained);
  return 0;
}
static int drain(const char *path) {
  int left = 0;
  long difference = 0;
  load(path);
  if (ops->control("probe_hook", (uint64_t)(uintptr_t)probe)) return 2;
  alarm(60);
  in_thread(leaves_drain, &left);
  if (!left) return 2;
  in_thread(defers, &difference);
  printf("the next thread's deferred frees that nobody drained: %ld\n", difference);
  return difference > 0;
}

// fork
static sem_t inside, go;
static void hold(uint32_t point) {
  if (!armed || point != LIST_LOCK) return;
  armed = 0;
  sem_post(&inside);
  sem_wait(&go);
}
static void *holder(void *unused) {
  static void *own[200];
  armed = 1;
  for (int i = 0; i < 200; i++) own[i] = allocate(1024);
  for (int i = 0; i < 200; i++) ops->kfree(own[i]);
  return unused;
}
static int child(void) {
  enum { KEPT = 1024 };
  static void *kept[KEPT];
  alarm(60);
  if (count_of("lost_at_fork") < 1) return 2;
  for (int i = 0; i < KEPT; i++) kept[i] = allocate(1024);
  for (int i = 0; i < KEPT; i += 2) ops->kfree(kept[i]), kept[i] = 0;
  for (int i = 0; i < 4000; i++) ops->kfree(objects[i]);
  long before = 0;
  for (int round = 0; round < 50; round++) {
    if (round == 2) before = count_of("slab_alloc");
    for (int i = 0; i < KEPT; i++)
      if (!kept[i] && !(kept[i] = allocate(1024))) return 1;
    for (int i = round & 1; i < KEPT; i += 2) ops->kfree(kept[i]), kept[i] = 0;
  }
  printf("new slabs for the same objects again and again: %ld\n", count_of("slab_alloc") - before);
  fflush(stdout);
  return count_of("slab_alloc") - before > 100;
}
static int forked(const char *path) {
  load(path);
  if (ops->control("probe_hook", (uint64_t)(uintptr_t)hold)) return 2;
  ops->control("worker", 0);
  for (int i = 0; i < 4000; i++) objects[i] = allocate(1024);
  for (int i = 0; i < 4000; i += 3) ops->kfree(objects[i]), objects[i] = 0;
  pthread_t thread;
  sem_init(&inside, 0, 0);
  sem_init(&go, 0, 0);
  if (pthread_create(&thread, 0, holder, 0)) return 2;
  sem_wait(&inside);
  pid_t pid = fork();
  if (pid == 0) _exit(child());
  int status;
  waitpid(pid, &status, 0);
  sem_post(&go);
  pthread_join(thread, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// fork-in-drain
static pid_t forked_child = -1;
static void fork_here(int n) {
  (void)n;
  if (boundary++ != last) return;
  if ((forked_child = fork()) != 0) return;
  // As an ordinary slow call of the child would.  It drains what it finds, if not what is held here.
  ops->control("worker", 1);
  usleep(30000);
}
// Marks: an object that was freed twice is handed out twice.
static int marks(void) {
  enum { COUNT = 4000 };
  static uint64_t *own[COUNT];
  int twice = 0;
  for (uint64_t i = 0; i < COUNT; i++) {
    if (!(own[i] = allocate(64))) return 1;
    own[i][1] = i, own[i][7] = ~i;
  }
  for (uint64_t i = 0; i < COUNT; i++) twice |= own[i][1] != i || own[i][7] != ~i;
  return twice;
}
static int one_fork(const char *path) {
  static void *taken[MOST];
  load(path);
  if (ops->control("probe_hook", (uint64_t)(uintptr_t)probe)) return 2;
  ops->control("worker", 0);
  struct sigaction action = {.sa_handler = fork_here, .sa_flags = SA_NODEFER};
  sigaction(SIGTRAP, &action, 0);
  alarm(20);
  for (int i = 0; i < 40; i++) objects[i] = allocate(64);
  // The call that meets the deferred objects drains them: it is stepped from there on.
  stepping = 1;
  for (deferring = 40; deferring; ) {
    static int n;
    if (n == MOST) return 2;
    taken[n++] = allocate(64);
  }
  clear_trap_flag();
  if (count_of("deferred_drained") < 40) return 2;
  ops->barrier();
  if (forked_child == 0) _exit(marks());
  if (forked_child < 0) return END;
  int status, twice = marks();
  waitpid(forked_child, &status, 0);
  return twice || status;
}
static int fork_in_a_drain(const char *path, int every) {
  long left = 0;
  return each_boundary(path, every, one_fork, &left);
}

int main(int count, char **words) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  signal(SIGALRM, SIG_DFL);
  if (count == 4 && !strcmp(words[2], "ends")) return ends(words[1], atoi(words[3]));
  if (count == 3 && !strcmp(words[2], "drain")) return drain(words[1]);
  if (count == 3 && !strcmp(words[2], "fork")) return forked(words[1]);
  if (count == 4 && !strcmp(words[2], "fork-in-drain"))
    return fork_in_a_drain(words[1], atoi(words[3]));
  return 2;
}
