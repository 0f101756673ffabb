// pfm.h: libpfm4, which knows the events of each processor by name.
//
// Why C: perf_event_attr is bit fields, and libpfm4 is called through dlsym.  Its header gives the
// layouts at build time, its code is loaded at run time: a machine without it still runs, and a
// build without the header (Debian: libpfm4-dev) says so when it is asked for a name.
#ifndef NL_PFM_H
#define NL_PFM_H

#include <stdint.h>

/// What perf_event_open(2) needs of one event.  `flags`: enum nl_perf_flags of perf_counter.h.
struct nl_pfm_encoding {
  uint32_t type, flags;
  uint64_t config, config1, config2;
  int32_t event;        ///< libpfm4's index of the event, for nl_pfm_event
};

struct nl_pfm_pmu {
  const char *name, *description;
  int32_t first_event;  ///< -1: no event
  int32_t counters;     ///< generic and fixed ones; 0 where libpfm4 does not know
  uint32_t present;     ///< libpfm4 recognises this machine's processor
};

struct nl_pfm_event {
  const char *name, *description;
  int32_t pmu, attributes;
};

/// Loads libpfm.so.4.  Once, before any other call; not thread-safe.
///
/// nil if it can be used, else why not, in static memory.
const char *nl_pfm_load(void);

/// Encodes an event name, user mode only unless it has `:u` or `:k`.
///
/// - Returns: 0, or a libpfm4 error (below 0), for nl_pfm_error.
int32_t nl_pfm_encode(const char *name, struct nl_pfm_encoding *result);
const char *nl_pfm_error(int32_t error);
/// Whether `error` says that no such event exists (and not that the name is ill-formed).
uint32_t nl_pfm_is_not_found(int32_t error);

/// Number of PMUs that libpfm4 may know; and one of them.  1 if there is one of this number.
int32_t nl_pfm_pmu_count(void);
uint32_t nl_pfm_pmu(int32_t number, struct nl_pfm_pmu *result);
/// An event by its index, the index after it (-1: none), and the name of one of its unit masks
/// (nil where the attribute is a modifier).
uint32_t nl_pfm_event(int32_t index, struct nl_pfm_event *result);
int32_t nl_pfm_next_event(int32_t index);
const char *nl_pfm_unit_mask(int32_t index, int32_t attribute);

#endif
