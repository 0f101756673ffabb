// step.c: the trap-flag stepper.
#define _GNU_SOURCE
#include "step.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>

#if defined(__x86_64__)

// Thread-local, because a second thread's stray SIGTRAP must not be counted here.
static __thread struct nl_step *active __attribute__((tls_model("initial-exec")));
static __thread uintptr_t last __attribute__((tls_model("initial-exec")));

static void trapped(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  struct nl_step *step = active;
  if (!step) return;
  int saved = errno;
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  uintptr_t rip = (uintptr_t)registers[REG_RIP];
  step->traps++;
  if (rip != last) step->instructions++;
  last = rip;
  step->stack = (uintptr_t)registers[REG_RSP];
  if (step->visit) step->visit(step->context, step->traps, rip);
  if (step->stop) registers[REG_EFL] &= ~(greg_t)0x100;
  errno = saved;
}

// The red zone lies below the stack pointer: step over it before pushing flags.
#define TRAP_FLAG_ON                                                                    \
  __asm__ volatile("sub $128,%%rsp; pushfq; orl $0x100,(%%rsp); popfq; add $128,%%rsp" \
                   ::: "memory", "cc")
#define TRAP_FLAG_OFF                                                                    \
  __asm__ volatile("sub $128,%%rsp; pushfq; andl $~0x100,(%%rsp); popfq; add $128,%%rsp" \
                   ::: "memory", "cc")

static void nothing(void *argument) { (void)argument; }

__attribute__((noinline)) static void run(struct nl_step *step, void (*operation)(void *),
                                          void *argument) {
  // A visitor may step a call of its own.
  struct nl_step *outer = active;
  uintptr_t outer_last = last;
  step->instructions = step->traps = 0;
  step->stop = 0;
  last = 0;
  active = step;
  TRAP_FLAG_ON;
  operation(argument);
  TRAP_FLAG_OFF;
  active = outer;
  last = outer_last;
}

int nl_step_available(void) { return 1; }

void nl_step_run(struct nl_step *step, void (*operation)(void *), void *argument) {
  // SA_NODEFER, because a trap while SIGTRAP is blocked kills the process.
  struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER}, old;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTRAP, &action, &old);
  // A trap while SIGTRAP is blocked kills the process, and libdispatch's threads block it.
  sigset_t trap, mask;
  sigemptyset(&trap);
  sigaddset(&trap, SIGTRAP);
  pthread_sigmask(SIG_UNBLOCK, &trap, &mask);
  // The frame around the call is counted with an empty operation (its `ret` is one instruction),
  // once: it is the same code each time.
  static struct nl_step frame;
  if (frame.traps == 0) run(&frame, nothing, argument);
  run(step, operation, argument);
  step->instructions -= frame.instructions - 1;
  step->traps -= frame.traps - 1;
  pthread_sigmask(SIG_SETMASK, &mask, 0);
  sigaction(SIGTRAP, &old, 0);
}

#else

int nl_step_available(void) { return 0; }
void nl_step_run(struct nl_step *step, void (*operation)(void *), void *argument) {
  step->instructions = step->traps = 0;
  step->stop = 0;
  operation(argument);
}

#endif
