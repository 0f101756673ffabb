#define _GNU_SOURCE
#include "boundary.h"
#include "step.h"
#include <errno.h>

struct stepped {
  struct nl_step step;
  struct nl_call *call;
  struct nl_call_count count;
  nl_boundary_visitor visit;
  void *context;
  uintptr_t entry, stack, last;
  int inside;
};

static void boundary(void *context, long trap, uintptr_t rip) {
  (void)trap;
  struct stepped *s = context;
  if (!s->inside) {
    if (rip != s->entry || s->stack) return;
    s->inside = 1;
    s->stack = s->step.stack;
  } else if (s->step.stack > s->stack) {
    // The return address is popped: the call is over.
    s->inside = 0;
    return;
  }
  // Counted before it runs, so `ret` is counted and what follows it is not.
  s->count.traps++;
  if (rip != s->last) {
    s->count.instructions++;
    const unsigned char *code = (const unsigned char *)rip;
    s->count.system_calls += code[0] == 0x0f && code[1] == 0x05;
    s->count.pauses += code[0] == 0xf3 && code[1] == 0x90;
  }
  s->last = rip;
  if (s->visit && s->visit(s->context, s->count.traps, rip)) s->step.stop = 1;
}

static void call_run(void *argument) {
  struct nl_call *call = argument;
  if (call->allocate)
    call->object = call->allocate(call->size, 0, -1);
  else
    call->release(call->object);
}

void nl_call_run(struct nl_call *call) { call_run(call); }

struct nl_call_count nl_call_step(struct nl_call *call, nl_boundary_visitor visit, void *context) {
  struct stepped s = {
      .step = {.visit = boundary},
      .call = call,
      .visit = visit,
      .context = context,
      .entry = call->allocate ? (uintptr_t)call->allocate : (uintptr_t)call->release,
  };
  s.step.context = &s;
  nl_step_run(&s.step, call_run, call);
  return s.count;
}

int32_t nl_boundary_fork(unsigned seconds) {
  int32_t pid = (int32_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    // It ends with its parent, and in any case in time.
    syscall(SYS_prctl, 1 /* PR_SET_PDEATHSIG */, SIGKILL, 0, 0, 0);
    alarm(seconds);
  }
  return pid;
}

int nl_boundary_wait(int32_t pid) {
  int status = 0;
  long got;
  do got = syscall(SYS_wait4, pid, &status, 0, 0);
  while (got == -1 && errno == EINTR);
  return got == pid ? status : -1;
}

void nl_boundary_exit(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

void *nl_boundary_shared(size_t bytes) {
  void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);
  return memory == MAP_FAILED ? 0 : memory;
}
