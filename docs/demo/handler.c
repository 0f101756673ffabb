#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include "nolock.h"
static const struct nolock_ops *a; static void *held[64];
static void tick(int n) { static int i; n = i++ % 64; a->kfree_nolock(held[n]); held[n] = a->kmalloc_nolock(3000, 0, -1); }
static void *work(void *p) { for (int i = 1; i <= 40000000; i++) { a->kfree(p = a->kmalloc(3000, 0, -1)); if (i % 4000000 == 0) puts("alive"); } return p; }
int main(void) { pthread_t other; a = nolock_subject(NOLOCK_ABI); signal(SIGALRM, tick);
  setitimer(ITIMER_REAL, &(struct itimerval){{0, 100}, {0, 100}}, 0);
  pthread_create(&other, 0, work, 0); work(0);
  return pthread_join(other, 0); }
