#define _GNU_SOURCE
#include "wrapped.h"
#include <signal.h>
#include "signals.h"

static nl_call_allocate allocate_behind;
static nl_call_release release_behind;
static nl_boundary_visitor visit_behind;

// Volatile: the thread's own handlers read and write them.
static __thread volatile int masked __attribute__((tls_model("initial-exec")));
static __thread volatile int pending[2] __attribute__((tls_model("initial-exec")));

void nl_wrapped_set(nl_call_allocate allocate, nl_call_release release, nl_boundary_visitor visit) {
  allocate_behind = allocate;
  release_behind = release;
  visit_behind = visit;
}

int nl_masked_defer(int signal_number) {
  if (!masked) return 0;
  // Two sources at most; a second signal of one source is the same pending one, as with a line.
  if (pending[0] == signal_number || pending[1] == signal_number) return 1;
  pending[pending[0] ? 1 : 0] = signal_number;
  return 1;
}

// Signals that were refused meanwhile arrive now, before the caller goes on.
static void unmask(void) {
  masked = 0;
  for (int i = 0; i < 2; i++) {
    int number = pending[i];
    if (!number) continue;
    pending[i] = 0;
    nl_signal_send((int32_t)syscall(SYS_gettid), number);
  }
}

void *nl_masked_allocate(size_t size, uint32_t gfp, int32_t node) {
  masked = 1;
  void *object = allocate_behind(size, gfp, node);
  unmask();
  return object;
}

void nl_masked_release(void *object) {
  masked = 1;
  release_behind(object);
  unmask();
}

void *nl_stepped_allocate(size_t size, uint32_t gfp, int32_t node) {
  (void)gfp, (void)node;
  struct nl_call call = {.allocate = allocate_behind, .size = size};
  nl_call_step(&call, visit_behind, 0);
  return call.object;
}

void nl_stepped_release(void *object) {
  struct nl_call call = {.release = release_behind, .object = object};
  nl_call_step(&call, visit_behind, 0);
}
