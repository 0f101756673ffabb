// priority.c: three SCHED_FIFO threads on one CPU.  Low holds a list_lock and wakes high, who runs at
// once, wants the lock and sleeps; then low wakes medium, who hogs the CPU for 400 ms, at once if it
// is above low, and after low and high if low was lent high's priority.  Nothing depends on time.
//   priority OBJECT.so
// Prints who was done first.  Exit: 0 high before medium, 1 after it, 2 the test could not run.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "../../../Sources/CNolock/include/nolock.h"

enum { PROBE_LIST_LOCK = 2 };
static const struct nolock_ops *ops;
static pthread_t low_thread;
static sem_t start[3], ready;
static int armed, order, low_order, medium_order, high_order;

static void burn(long ms) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  long long end = t.tv_sec * 1000000000ll + t.tv_nsec + ms * 1000000ll;
  do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  while (t.tv_sec * 1000000000ll + t.tv_nsec < end);
}
static void done(int *place) {
  *place = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
}
static void probe(uint32_t point) {
  if (point != PROBE_LIST_LOCK || !pthread_equal(pthread_self(), low_thread)) return;
  if (!__atomic_exchange_n(&armed, 0, __ATOMIC_SEQ_CST)) return;
  sem_post(&start[2]);
  sem_post(&start[1]);
  burn(5);
  done(&low_order);
}
static void *low(void *p) {
  low_thread = pthread_self();
  __atomic_store_n(&armed, 1, __ATOMIC_SEQ_CST);
  ops->kfree(ops->kmalloc(64, 0, NOLOCK_NO_NODE));
  return p;
}
static void *medium(void *p) {
  sem_post(&ready);
  sem_wait(&start[1]);
  burn(400);
  done(&medium_order);
  return p;
}
static void *high(void *p) {
  sem_post(&ready);
  sem_wait(&start[2]);
  ops->kfree(ops->kmalloc(64, 0, NOLOCK_NO_NODE));
  done(&high_order);
  return p;
}
static int run(void *(*body)(void *), int priority, pthread_t *thread) {
  pthread_attr_t a;
  struct sched_param p = {.sched_priority = priority};
  cpu_set_t one, allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return -1;
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &allowed)) {
      CPU_SET(i, &one);
      break;
    }
  pthread_attr_init(&a);
  pthread_attr_setinheritsched(&a, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&a, SCHED_FIFO);
  pthread_attr_setschedparam(&a, &p);
  pthread_attr_setaffinity_np(&a, sizeof one, &one);
  return pthread_create(thread, &a, body, 0);
}

int main(int count, char **arguments) {
  void *object = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : 0;
  const struct nolock_ops *(*subject)(uint32_t) = 0;
  if (object) *(void **)&subject = dlsym(object, "nolock_subject");
  ops = subject ? subject(NOLOCK_ABI) : 0;
  if (!ops) return puts("usage: priority OBJECT.so"), 2;
  if (ops->control("worker", 0) || ops->control("probe_hook", (uint64_t)(uintptr_t)probe))
    return puts("no probe points"), 2;
  alarm(30);
  for (int i = 0; i < 3; i++) sem_init(&start[i], 0, 0);
  sem_init(&ready, 0, 0);
  pthread_t thread[3];
  if (run(high, 30, &thread[2]) || run(medium, 20, &thread[1]))
    return puts("SCHED_FIFO is refused"), 2;
  // They keep the CPU until they sleep, so low finds both asleep.
  for (int i = 0; i < 2; i++)
    while (sem_wait(&ready)) {}
  if (run(low, 10, &thread[0])) return puts("SCHED_FIFO is refused"), 2;
  for (int i = 0; i < 3; i++) pthread_join(thread[i], 0);
  printf("low %d, high %d, medium %d\n", low_order, high_order, medium_order);
  if (!low_order || high_order < low_order) return 2;  // high never met the lock
  return high_order > medium_order;
}
