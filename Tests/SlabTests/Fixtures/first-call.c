// first-call.c: the first allocator calls of a process, made inside a signal handler, on the main
// thread and on a second one; then a storm on both while the foreground allocates.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include "../../../Sources/CNolock/include/nolock.h"

static const struct nolock_ops *ops;
static volatile sig_atomic_t failures, runs;
static __thread void *held[32];
static __thread unsigned turn;

static void handler(int number) {
  (void)number;
  void **slot = &held[turn++ % 32];
  ops->kfree_nolock(*slot);
  size_t size = 16 + turn * 24 % 1000;
  *slot = ops->kmalloc_nolock(size, NOLOCK_GFP_ZERO, NOLOCK_NO_NODE);
  if (*slot && ((uint64_t *)*slot)[0] != 0) failures++;
  if (*slot) ((uint64_t *)*slot)[0] = (uintptr_t)*slot;
  runs++;
}

static void *work(void *unused) {
  raise(SIGUSR1);
  if (!held[0]) failures++;
  uint64_t deadline = (uint64_t)time(0) + 1;
  for (unsigned i = 0; (uint64_t)time(0) <= deadline && i < 20000000; i++) {
    uint64_t *object = ops->kmalloc(16 + i % 1000, 0, NOLOCK_NO_NODE);
    if (!object) return failures++, unused;
    *object = i;
    if (*object != i) failures++;
    ops->kfree(object);
  }
  return unused;
}

int main(int count, char **arguments) {
  void *object = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : 0;
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  if (!subject || !(ops = subject(NOLOCK_ABI))) return puts("cannot load"), 1;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);  // a parent's mask is inherited, libdispatch's blocks all
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, 0);
  sigaction(SIGALRM, &action, 0);
  raise(SIGUSR1);  // the first call of all
  if (!held[0]) return puts("NULL in the first call"), 1;
  struct itimerval every = {{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &every, 0);
  pthread_t thread;
  if (pthread_create(&thread, 0, work, 0)) return 1;
  work(0);
  pthread_join(thread, 0);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, 0);
  printf("%d handler runs, %d failures\n", (int)runs, (int)failures);
  return failures || runs < 3;
}
