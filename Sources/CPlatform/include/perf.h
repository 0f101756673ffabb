// perf.h: an event whose overflow signals the calling thread (the processor's cycles, or the
// kernel's cpu-clock), and a hardware breakpoint.
//
// Why C: `struct perf_event_attr` is bit fields, and fcntl and ioctl are variadic.
#ifndef NL_PERF_H
#define NL_PERF_H

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler.h"

/// What counts towards an overflow, and how often it comes.
enum nl_perf_overflow {
  NL_PERF_CLOCK = 0,             ///< cpu-clock: every `amount` ns of the thread's time
  NL_PERF_CYCLES_PERIOD = 1,     ///< the processor's cycles: every `amount` cycles
  NL_PERF_CYCLES_FREQUENCY = 2,  ///< the same, the kernel adapting the period to `amount` per second
};

/// Opens the event, disabled; the calling thread's user mode alone counts.  The descriptor, or
/// -errno: ENOENT where there is no PMU.
static inline int nl_perf_open_overflow(enum nl_perf_overflow kind, uint64_t amount,
                                        int signal_number) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = kind == NL_PERF_CLOCK ? PERF_TYPE_SOFTWARE : PERF_TYPE_HARDWARE;
  attr.config = kind == NL_PERF_CLOCK ? PERF_COUNT_SW_CPU_CLOCK : PERF_COUNT_HW_CPU_CYCLES;
  attr.freq = kind == NL_PERF_CYCLES_FREQUENCY;
  attr.sample_period = amount;  // in one union with sample_freq
  attr.wakeup_events = 1;
  attr.disabled = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return -errno;
  // F_SETSIG and F_SETOWN_EX are declared only with _GNU_SOURCE: 10 and 15 on every architecture
  // that Linux runs Swift on; F_OWNER_TID is 0.
  struct { int type; int32_t id; } owner = {0, (int32_t)syscall(SYS_gettid)};
  if (fcntl(fd, 10, signal_number) || fcntl(fd, 15, &owner) ||
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC)) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

/// Opens an execution breakpoint on `address`, disabled: the calling thread gets SIGTRAP before that
/// instruction runs, which then runs when the handler returns (the kernel sets RF).  The
/// descriptor, or -errno; ENOSPC where the processor's slots (4) are taken.
static inline int nl_perf_open_breakpoint(uint64_t address) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_BREAKPOINT;
  attr.bp_type = 4;  // HW_BREAKPOINT_X
  attr.bp_addr = address;
  attr.bp_len = sizeof(long);
  attr.sample_period = 1;
  attr.disabled = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.sigtrap = 1;
  attr.remove_on_exec = 1;  // sigtrap demands it
  int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static inline void nl_perf_enable(int fd) {
  ioctl(fd, PERF_EVENT_IOC_RESET, 0);
  ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}
static inline void nl_perf_disable(int fd) { ioctl(fd, PERF_EVENT_IOC_DISABLE, 0); }
static inline void nl_perf_close(int fd) { close(fd); }

#endif
