#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "torture.h"

enum { HELD = 32, STACK = 64 << 10 };

struct arms {
  void *held[HELD];
  uint32_t x;
  int depth;
  timer_t timer;
  void *stack;
};
static __thread struct arms *arms;

static void work(struct arms *a) {
  void **slot = &a->held[torture_next(&a->x) % HELD];
  // Taken out first: a nested handler may choose the same slot.
  void *old = *slot;
  *slot = 0;
  if (old) torture_give(old, 1);
  void *object = torture_take(&a->x, 1);
  if (!object) COUNT(handler_null);
  if (object && *slot) {
    torture_give(object, 1);
  } else {
    *slot = object;
  }
  COUNT(handlers);
}

static void tick(int number) {
  struct arms *a = arms;
  if (!a) return;
  if (a->depth) COUNT(nested);
  a->depth++;
  work(a);
  // Every fourth interrupts itself with the other signal, in the middle of its work.
  if (number == SIGALRM && (a->x & 3) == 0) {
    pthread_kill(pthread_self(), SIGUSR1);
    work(a);
  }
  a->depth--;
}

void torture_handlers(void) {
  struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART | SA_ONSTACK};
  sigaction(SIGALRM, &action, 0);
  action.sa_flags |= SA_NODEFER;
  sigaction(SIGUSR1, &action, 0);
}

void torture_arm(void) {
  if (!with_signals) return;
  struct arms *a = calloc(1, sizeof *a);
  a->x = (uint32_t)(uintptr_t)a | 1;
  a->stack = mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack = {.ss_sp = a->stack, .ss_size = STACK};
  sigaltstack(&stack, 0);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
  event._sigev_un._tid = (int32_t)syscall(SYS_gettid);
  if (timer_create(CLOCK_MONOTONIC, &event, &a->timer)) exit(2);
  arms = a;
  struct itimerspec every = {{0, 100000}, {0, 100000}};
  timer_settime(a->timer, 0, &every, 0);
}

void torture_disarm(void) {
  struct arms *a = arms;
  if (!a) return;
  timer_delete(a->timer);
  sigset_t both, old;
  sigemptyset(&both);
  sigaddset(&both, SIGALRM);
  sigaddset(&both, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &both, &old);
  arms = 0;
  stack_t off = {.ss_flags = SS_DISABLE};
  pthread_sigmask(SIG_SETMASK, &old, 0);
  sigaltstack(&off, 0);
  munmap(a->stack, STACK);
  for (int i = 0; i < HELD; i++)
    if (a->held[i]) torture_give(a->held[i], 0);
  free(a);
}
