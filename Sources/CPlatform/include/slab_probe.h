// slab_probe.h: points of the allocator where a lock is held, for builds with -D NOLOCK_PROBES.
//
// Why C: a function pointer in .bss, so that all zero means "no probe".
#ifndef NL_SLAB_PROBE_H
#define NL_SLAB_PROBE_H

#include <stdint.h>

#include "compiler.h"

/// A point.  Numbers are the interface between a subject and the harness: only appended.
enum nl_probe_point {
  NL_PROBE_LINE_ALLOC = 0,  ///< allocation, slow path: the line is held, nothing changed yet
  NL_PROBE_LINE_FREE = 1,   ///< free, slow path: the line is held, nothing changed yet
  NL_PROBE_LIST_LOCK = 2,   ///< list_lock was just taken
  NL_PROBE_BARN_LOCK = 3,   ///< a barn's lock was just taken
  NL_PROBE_ZONE_LOCK = 4,   ///< the zone's lock was just taken
  NL_PROBE_DRAIN = 5,       ///< a drain took a list and has freed nothing yet
};
#define NL_PROBE_POINTS 6u

typedef void (*nl_probe_function)(uint32_t point);

extern nl_probe_function NL_NULLABLE nl_probe_hook;

NL_SIGNAL_SAFE static inline void nl_probe(uint32_t point) {
  nl_probe_function hook = __atomic_load_n(&nl_probe_hook, __ATOMIC_ACQUIRE);
  if (hook) hook(point);
}
static inline void nl_probe_set(uint64_t address) {
  __atomic_store_n(&nl_probe_hook, (nl_probe_function)(uintptr_t)address, __ATOMIC_RELEASE);
}

static inline const char *NL_NONNULL nl_probe_name(uint32_t point) {
  static const char *const NL_NONNULL names[NL_PROBE_POINTS] = {
      "line_alloc", "line_free", "list_lock", "barn_lock", "zone_lock", "drain"};
  return point < NL_PROBE_POINTS ? names[point] : "";
}

#endif
