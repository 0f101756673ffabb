// slab_lockdep.c: storage of slab_lockdep.h, and the allocator's lock classes, all of spinlock_t:
// LD_WAIT_CONFIG = 3.
#include "slab_lockdep.h"

#define SPINLOCK(text) {.name = text, .outer = 3, .inner = 3}
const struct nl_lock_class nl_class_list_lock = SPINLOCK("&n->list_lock");
const struct nl_lock_class nl_class_barn = SPINLOCK("&barn->lock");
const struct nl_lock_class nl_class_zone = SPINLOCK("&zone->lock");
const struct nl_lock_class nl_class_pages = SPINLOCK("&pcp->lock");
const struct nl_lock_class nl_class_released = {.name = ""};

// A class per cache: with one held, that of another may be taken.
#define LINES(family, i)                                                                    \
  [i] = SPINLOCK("kmalloc-" family "8"), SPINLOCK("kmalloc-" family "16"),                  \
  SPINLOCK("kmalloc-" family "32"), SPINLOCK("kmalloc-" family "64"),                       \
  SPINLOCK("kmalloc-" family "96"), SPINLOCK("kmalloc-" family "128"),                      \
  SPINLOCK("kmalloc-" family "192"), SPINLOCK("kmalloc-" family "256"),                     \
  SPINLOCK("kmalloc-" family "512"), SPINLOCK("kmalloc-" family "1k"),                      \
  SPINLOCK("kmalloc-" family "2k"), SPINLOCK("kmalloc-" family "4k"),                       \
  SPINLOCK("kmalloc-" family "8k")
const struct nl_lock_class nl_class_line[32] = {LINES("", 3), LINES("cg-", 16)};

struct nl_lockdep_thread nl_lockdep_threads[NL_LOCKDEP_THREADS];
struct nl_lockdep_reports nl_lockdep_reports;
__thread struct nl_lockdep_tls nl_lockdep_tls __attribute__((tls_model("initial-exec")));
_Alignas(16) char nl_lockdep_ops[64];
