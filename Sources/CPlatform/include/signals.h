// signals.h: the sample's interrupts: their numbers, one way to install a handler, POSIX timers
// that signal one thread, and tgkill.
//
// Why C: `sigevent` and `sigaction` hide their members in unions and macros; errno is a macro.
#ifndef NL_SIGNALS_H
#define NL_SIGNALS_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "compiler.h"

// Classic signals, not real-time ones: a queue that overflows would deliver SIGIO instead.
#define NL_SIGNAL_TIMER SIGUSR1
#define NL_SIGNAL_TGKILL SIGUSR2
#define NL_SIGNAL_PERF SIGIO
#define NL_SIGNAL_REPLAY SIGURG

typedef void (*nl_signal_handler)(int, siginfo_t *NL_NULLABLE, void *NL_NULLABLE);

/// Installs `handler`; every interrupt of the sample is masked while it runs, SIGTRAP never (a trap
/// while it is blocked kills the process).  Unblocked in the calling thread and those it starts from then
/// on.  0, or errno.
static inline int nl_signal_install(int number, nl_signal_handler NL_NONNULL handler) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, NL_SIGNAL_TIMER);
  sigaddset(&action.sa_mask, NL_SIGNAL_TGKILL);
  sigaddset(&action.sa_mask, NL_SIGNAL_PERF);
  sigaddset(&action.sa_mask, NL_SIGNAL_REPLAY);
  if (sigaction(number, &action, 0)) return errno;
  // A parent that blocks signals, such as a thread of libdispatch, hands its mask on to us.
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, number);
  return sigprocmask(SIG_UNBLOCK, &own, 0) ? errno : 0;
}

static inline int nl_signal_errno(void) { return errno; }
static inline void nl_signal_set_errno(int value) { errno = value; }

/// Expirations of a POSIX timer that one signal stands for, beyond the first.
static inline uint32_t nl_signal_overrun(const siginfo_t *NL_NONNULL info) {
  return info->si_code == SI_TIMER && info->si_overrun > 0 ? (uint32_t)info->si_overrun : 0;
}

static inline uint32_t nl_signal_is_timer(const siginfo_t *NL_NONNULL info) {
  return info->si_code == SI_TIMER;
}

static inline int nl_signal_send(int32_t thread, int number) {
  return (int)syscall(SYS_tgkill, getpid(), thread, number);
}

/// A timer on CLOCK_MONOTONIC that signals the calling thread.  0, or errno.
static inline int nl_signal_timer_create(int number, timer_t NL_NULLABLE *NL_NONNULL timer) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = number;
  event._sigev_un._tid = (int32_t)syscall(SYS_gettid);
  return timer_create(CLOCK_MONOTONIC, &event, timer) ? errno : 0;
}

/// First expiry after `first_ns`, then every `interval_ns` (0: once).  Both 0 disarms.
static inline void nl_signal_timer_set(
    timer_t NL_NULLABLE timer, int absolute, uint64_t first_ns, uint64_t interval_ns) {
  struct itimerspec when = {
      .it_interval = {(time_t)(interval_ns / 1000000000u), (long)(interval_ns % 1000000000u)},
      .it_value = {(time_t)(first_ns / 1000000000u), (long)(first_ns % 1000000000u)},
  };
  timer_settime(timer, absolute ? TIMER_ABSTIME : 0, &when, 0);
}

/// Lets the calling thread's sleeps end on time (prctl(2), PR_SET_TIMERSLACK = 29), not 50 µs late.
static inline void nl_signal_timer_slack(void) { syscall(SYS_prctl, 29, 1, 0, 0, 0); }

/// Ends this process with SIGKILL when the thread that started it ends (prctl(2),
/// PR_SET_PDEATHSIG = 1).
static inline void nl_signal_end_with_parent(void) { syscall(SYS_prctl, 1, SIGKILL, 0, 0, 0); }

#endif
