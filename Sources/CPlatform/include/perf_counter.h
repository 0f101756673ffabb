// perf_counter.h: counting perf events of the calling thread (perf_event_open(2)).
//
// Why C: `struct perf_event_attr` is bit fields, ioctl is variadic, rdpmc is an instruction.
#ifndef NL_PERF_COUNTER_H
#define NL_PERF_COUNTER_H

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "compiler.h"

/// Bits of nl_perf_event.flags; precise_ip (0…3) stands in bits 8 and 9.
enum nl_perf_flags {
  NL_PERF_EXCLUDE_USER = 1, NL_PERF_EXCLUDE_KERNEL = 2, NL_PERF_EXCLUDE_HV = 4,
  NL_PERF_EXCLUDE_HOST = 8, NL_PERF_EXCLUDE_GUEST = 16,
};

/// An encoded event: the part of perf_event_attr that says what is counted.
struct nl_perf_event {
  uint32_t type, flags;
  uint64_t config, config1, config2;
};

/// Opens the event for the calling thread on every CPU, not inherited: inherited events cannot be
/// read as a group.  A leader (`group` -1) is disabled, its members follow it.
///
/// The descriptor, or -errno.
static inline int nl_perf_counter_open(const struct nl_perf_event *event, int group) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = event->type;
  attr.config = event->config;
  attr.config1 = event->config1;
  attr.config2 = event->config2;
  attr.disabled = group < 0;
  attr.exclude_user = !!(event->flags & NL_PERF_EXCLUDE_USER);
  attr.exclude_kernel = !!(event->flags & NL_PERF_EXCLUDE_KERNEL);
  attr.exclude_hv = !!(event->flags & NL_PERF_EXCLUDE_HV);
  attr.exclude_host = !!(event->flags & NL_PERF_EXCLUDE_HOST);
  attr.exclude_guest = !!(event->flags & NL_PERF_EXCLUDE_GUEST);
  attr.precise_ip = event->flags >> 8 & 3;
  attr.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  int file = (int)syscall(SYS_perf_event_open, &attr, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
  return file < 0 ? -errno : file;
}

/// Reads a group by its leader: number, time enabled, time running, values.  Bytes, or -errno.
static inline int64_t nl_perf_counter_read(int file, uint64_t *words, uint64_t bytes) {
  ssize_t count = read(file, words, bytes);
  return count < 0 ? -errno : count;
}

static inline void nl_perf_counter_enable(int leader) {
  ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}
static inline void nl_perf_counter_disable(int leader) {
  ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

/// The event's page, which says whether and where rdpmc finds it; nil where it cannot be mapped.
static inline void *nl_perf_page_map(int file) {
  void *page = mmap(0, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, file, 0);
  return page == MAP_FAILED ? 0 : page;
}
static inline void nl_perf_page_unmap(void *page) {
  if (page) munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

struct nl_perf_value { uint64_t value, enabled, running; };

/// Reads one event without a system call, as the comment of `struct perf_event_mmap_page` in
/// linux/perf_event.h says.  0 where the kernel does not allow it, or the event has no counter
/// now: read(2) must be used.
static inline uint32_t nl_perf_page_read(const void *mapped, struct nl_perf_value *result) {
#ifdef __x86_64__
  const volatile struct perf_event_mmap_page *page = mapped;
  uint32_t sequence;
  do {
    sequence = page->lock;
    __asm__ volatile("" ::: "memory");
    uint32_t index = page->index;
    if (!page->cap_user_rdpmc || !page->cap_user_time || index == 0) return 0;
    uint64_t ticks = __builtin_ia32_rdtsc();
    if (page->cap_user_time_short)
      ticks = page->time_cycles + ((ticks - page->time_cycles) & page->time_mask);
    uint16_t shift = page->time_shift;
    uint64_t multiplier = page->time_mult;
    uint64_t passed = page->time_offset + (ticks >> shift) * multiplier +
                      (((ticks & (((uint64_t)1 << shift) - 1)) * multiplier) >> shift);
    uint16_t unused = (uint16_t)(64 - page->pmc_width);
    int64_t counter = (int64_t)__builtin_ia32_rdpmc((int)(index - 1));
    counter = (int64_t)((uint64_t)counter << unused) >> unused;
    result->value = (uint64_t)(page->offset + counter);
    result->enabled = page->time_enabled + passed;
    result->running = page->time_running + passed;
    __asm__ volatile("" ::: "memory");
  } while (page->lock != sequence);
  return 1;
#else
  (void)mapped, (void)result;
  return 0;
#endif
}

#endif
