// library.c: libnolock from C.  The process's first call is made inside a handler; then a storm of
// handlers that hold objects of different sizes, on two threads that allocate as well.
//
//   scripts/build-library /tmp/nolock
//   export PKG_CONFIG_PATH=/tmp/nolock/lib/pkgconfig
//   cc -O2 docs/demo/library.c $(pkg-config --cflags --libs nolock) -Wl,-rpath,/tmp/nolock/lib -pthread
//   cc -O2 docs/demo/library.c $(pkg-config --cflags nolock) /tmp/nolock/lib/libnolock.a -pthread
#include <nolock.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { HELD = 64, ROUNDS = 3000000 };
static volatile sig_atomic_t runs, failures, nulls;
static __thread uint64_t *held[HELD];
static __thread unsigned turn;

static void tick(int number) {
  (void)number;
  uint64_t **slot = &held[turn++ % HELD];
  if (*slot && **slot != (uintptr_t)*slot) failures++;
  nolock_kfree_nolock(*slot);
  *slot = nolock_kmalloc_nolock(8 + turn * 40 % 3000, NOLOCK_GFP_ZERO, NOLOCK_NO_NODE);
  if (!*slot) {
    nulls++;
  } else {
    if (**slot != 0) failures++;
    **slot = (uintptr_t)*slot;
  }
  runs++;
}

static void *work(void *unused) {
  raise(SIGALRM);
  if (!held[0]) failures++;
  for (uint64_t i = 0; i < ROUNDS; i++) {
    uint64_t *object = nolock_kmalloc(8 + i * 40 % 3000, 0, NOLOCK_NO_NODE);
    if (!object) return failures++, unused;
    *object = i;
    if (*object != i) failures++;
    nolock_kfree(object);
  }
  return unused;
}

int main(void) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  signal(SIGALRM, tick);
  raise(SIGALRM);
  if (!held[0]) return puts("NULL in the first call"), 1;
  struct itimerval every = {{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &every, 0);
  pthread_t other;
  if (pthread_create(&other, 0, work, 0)) return 1;
  work(0);
  pthread_join(other, 0);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, 0);
  printf("%d handler runs, %d without memory, %d failures\n", (int)runs, (int)nulls, (int)failures);
  return failures || runs < 3;
}
