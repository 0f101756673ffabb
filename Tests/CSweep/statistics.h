// statistics.h: an allocator's counters by name.
#ifndef STATISTICS_H
#define STATISTICS_H

#include <string.h>
#include "../../Sources/CNolock/include/nolock.h"

/// 0 for a counter that the allocator does not have.
static inline uint64_t statistic(const struct nolock_ops *ops, const char *name) {
  struct nolock_stat table[128];
  size_t count = ops->stats(table, 128);
  for (size_t i = 0; i < count && i < 128; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return 0;
}

/// Objects that callers hold, by the allocator's own count.
static inline uint64_t statistics_live(const struct nolock_ops *ops) {
  return statistic(ops, "alloc_fast") + statistic(ops, "alloc_slow") +
         statistic(ops, "alloc_large") - statistic(ops, "free_fast") -
         statistic(ops, "free_slow") - statistic(ops, "free_deferred") -
         statistic(ops, "free_large");
}

#endif
