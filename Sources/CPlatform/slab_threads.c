// slab_threads.c: pthread keys, fork handlers, the worker thread, and the constructor.
#define _GNU_SOURCE
#include "slab_threads.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>

int nl_make_exit_key(uint32_t *key, nl_exit_hook hook) {
  pthread_key_t made;
  int error = pthread_key_create(&made, hook);
  if (!error) *key = made;
  return error;
}

int nl_arm_exit_hook(uint32_t key, void *vcpu) { return pthread_setspecific(key, vcpu); }

int nl_exit_hook_armed(uint32_t key) { return pthread_getspecific(key) != 0; }

int nl_at_fork(nl_plain_hook child) { return pthread_atfork(0, 0, child); }

static void *start(void *run) {
  pthread_setname_np(pthread_self(), "nolock-worker");
  ((void (*)(void))run)();
  return 0;
}

int nl_start_thread(nl_plain_hook run) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, start, (void *)run);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &old, 0);
  return error;
}

void nl_yield(void) { sched_yield(); }

// Defined by Slab; absent where only the shims are linked.
extern void nolock_constructor(void) __attribute__((weak));

/// Before it ran, nolock calls return NULL and ordinary calls start the instance themselves.
__attribute__((constructor(101))) static void construct(void) {
  if (nolock_constructor) nolock_constructor();
}
