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

// One-byte opcodes and those behind 0f; source: Intel SDM, volume 2, appendix A.
int nl_boundary_may_write(const unsigned char *p) {
#if defined(__x86_64__)
  int repeated = 0;
  for (;; p++) {
    if (*p == 0xf2 || *p == 0xf3) repeated = 1;
    else if (*p != 0x66 && *p != 0x2e && *p != 0x3e && *p != 0x64 && *p != 0x65) break;
  }
  if ((*p & 0xf0) == 0x40) p++;  // REX
  unsigned op = *p, modrm = p[1], two = p[1];
  int in_register = modrm >> 6 == 3;
  unsigned digit = modrm >> 3 & 7;
  if (op == 0x0f) {
    in_register = p[2] >> 6 == 3;
    if ((two & 0xf0) == 0x40 || (two & 0xf0) == 0x80) return 0;  // cmovcc, jcc
    if ((two & 0xf0) == 0x90) return !in_register;               // setcc
    if (two == 0xba) return (p[2] >> 3 & 7) != 4 && !in_register;  // bt; bts, btr, btc
    return !(two == 0x10 || two == 0x1f || two == 0x28 || two == 0x57 || two == 0x6f ||
             two == 0xa3 || two == 0xaf || two == 0xb6 || two == 0xb7 || two == 0xb8 ||
             two == 0xbc || two == 0xbd || two == 0xbe || two == 0xbf || two == 0xef);
  }
  if (op == 0x90) return 0;  // nop, and pause with f3
  if (repeated) return 1;    // string instructions
  if (op < 0x40) {
    unsigned kind = op & 7;
    return kind <= 1 ? op < 0x38 && !in_register : kind > 5;
  }
  if ((op >= 0x58 && op <= 0x5f) || (op >= 0x70 && op <= 0x7f)) return 0;  // pop, jcc
  if (op >= 0xb0 && op <= 0xbf) return 0;                                  // mov $, r
  switch (op) {
    case 0x63: case 0x69: case 0x6b: case 0x84: case 0x85: case 0x8a: case 0x8b: case 0x8d:
    case 0x98: case 0x99: case 0xa8: case 0xa9: case 0xc2: case 0xc3: case 0xc9: case 0xe9:
    case 0xeb:
      return 0;
    case 0x80: case 0x81: case 0x83: return digit != 7 && !in_register;
    case 0x88: case 0x89: case 0xc0: case 0xc1: case 0xc6: case 0xc7: case 0xd0: case 0xd1:
    case 0xd2: case 0xd3:
      return !in_register;
    case 0xf6: case 0xf7: return (digit == 2 || digit == 3) && !in_register;
    case 0xfe: case 0xff: return digit == 4 ? 0 : digit > 1 || !in_register;
    default: return 1;
  }
#else
  (void)p;
  return 1;
#endif
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
