// contexts.c: signals of class hard IRQ against a thread that declares its interrupts off.
#define _GNU_SOURCE
#include "sweep.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct nolock_ops *volatile masked_ops;
static volatile sig_atomic_t ran[2], refused;

static void hardirq(int number) {
  if (masked_ops->defer_irq(number)) {
    refused++;
    return;
  }
  // What a kernel's entry code does: declare, work, declare what was interrupted.
  uint32_t before = masked_ops->context(NOLOCK_CONTEXT_HARDIRQ | NOLOCK_CONTEXT_IRQS_OFF);
  ran[number == SIGUSR2]++;
  masked_ops->context(before);
}

struct sweep_masking sweep_mask(const struct nolock_ops *ops) {
  struct sweep_masking seen = {0};
  masked_ops = ops;
  ran[0] = ran[1] = refused = 0;
  struct sigaction action = {.sa_handler = hardirq}, old[2];
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, &old[0]);
  sigaction(SIGUSR2, &action, &old[1]);
  sigset_t both, mask;
  sigemptyset(&both);
  sigaddset(&both, SIGUSR1);
  sigaddset(&both, SIGUSR2);
  pthread_sigmask(SIG_UNBLOCK, &both, &mask);

  uint32_t first = ops->context(NOLOCK_CONTEXT_TASK);
  raise(SIGUSR1);
  seen.on = ran[0];
  uint32_t outer = ops->context(NOLOCK_CONTEXT_TASK | NOLOCK_CONTEXT_IRQS_OFF);
  raise(SIGUSR1);
  raise(SIGUSR1);  // the same pending line
  uint32_t inner = ops->context(outer | NOLOCK_CONTEXT_IRQS_OFF | NOLOCK_CONTEXT_PREEMPT_OFF);
  raise(SIGUSR2);
  ops->context(inner);
  seen.off = ran[0] + ran[1] - seen.on;
  seen.refused = refused;
  ops->context(outer);
  // Both arrived before the call returned.
  seen.restored[0] = ran[0] - seen.on;
  seen.restored[1] = ran[1];
  seen.declared = ops->context(first);
  sigaction(SIGUSR1, &old[0], 0);
  sigaction(SIGUSR2, &old[1], 0);
  pthread_sigmask(SIG_SETMASK, &mask, 0);
  return seen;
}

struct waiter {
  const struct nolock_ops *ops;
  size_t size;
};

static void *wait_for_line(void *p) {
  struct waiter *w = p;
  w->ops->thread_attach();
  uint32_t before = w->ops->context(NOLOCK_CONTEXT_TASK);
  void *object = w->ops->kmalloc_nolock(64, 0, NOLOCK_NO_NODE);
  w->ops->context(before);
  w->size = w->ops->ksize(object);
  w->ops->kfree(object);
  return 0;
}

struct sweep_waiting sweep_wait_for_line(const struct nolock_ops *ops, uint32_t *line) {
  struct waiter w = {.ops = ops};
  struct sweep_waiting seen = {0};
  pthread_t thread;
  if (pthread_create(&thread, 0, wait_for_line, &w)) return seen;
  for (int i = 0; i < 2000 && !seen.slept; i++) {
    usleep(1000);
    // The kernel's mark of a waiter.
    seen.slept = (__atomic_load_n(line, __ATOMIC_ACQUIRE) & FUTEX_WAITERS) != 0;
  }
  // As the lock's owner gives it back.
  uint32_t mine = (uint32_t)syscall(SYS_gettid);
  if (!__atomic_compare_exchange_n(line, &mine, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
    syscall(SYS_futex, line, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0);
  pthread_join(thread, 0);
  seen.size = w.size;
  return seen;
}

static void *try_fifo(void *result) {
  struct sched_param one = {.sched_priority = 1};
  *(int *)result = pthread_setschedparam(pthread_self(), SCHED_FIFO, &one) == 0;
  return 0;
}

int sweep_may_use_fifo(void) {
  int result = 0;
  pthread_t thread;
  if (pthread_create(&thread, 0, try_fifo, &result)) return 0;
  pthread_join(thread, 0);
  cpu_set_t allowed;
  return result && !sched_getaffinity(0, sizeof allowed, &allowed) && CPU_COUNT(&allowed) > 1;
}
