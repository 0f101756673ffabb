// perf_try.h: what else perf_event_open(2) gives here, tried.
//
// Why C: `struct perf_event_attr` is bit fields.
#ifndef NL_PERF_TRY_H
#define NL_PERF_TRY_H

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Opens execution breakpoints on the calling thread until one is refused, at most 16, and closes
/// them: how many the processor has free; -errno if not even one.
static inline int nl_perf_try_breakpoints(void) {
  enum { most = 16 };
  static const char places[most] __attribute__((aligned(16)));
  int files[most];
  int count = 0, error = 0;
  while (count < most) {
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = PERF_TYPE_BREAKPOINT;
    attr.bp_type = HW_BREAKPOINT_X;
    attr.bp_addr = (uintptr_t)&places[count];
    attr.bp_len = sizeof(long);
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    attr.disabled = 1;
    files[count] = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (files[count] < 0) {
      error = errno;
      break;
    }
    count++;
  }
  for (int i = 0; i < count; i++) close(files[i]);
  return count ? count : -error;
}

#endif
