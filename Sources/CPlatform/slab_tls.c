// slab_tls.c: storage of the instances.  Zero is a valid state of everything but the two shared vCPUs.
#include "slab_tls.h"
#include "slab_os.h"
#include "slab_task.h"

#define ALL_LOCKED                                                             \
  { .line = {[0 ... NL_LINES - 1] = {.lock = 1,                                \
                                     .main = &nl_bootstrap_sheaf}},            \
    .state = NL_VCPU_SHARED }

struct nl_sheaf nl_bootstrap_sheaf;
struct nl_vcpu nl_boot __attribute__((aligned(64))) = ALL_LOCKED;
struct nl_vcpu nl_gone __attribute__((aligned(64))) = ALL_LOCKED;

#define STORAGE(name)                                                   \
  struct nl_instance nl_instance_##name __attribute__((aligned(64)));   \
  __thread struct nl_vcpu *nl_vcpu_##name                               \
      __attribute__((tls_model("initial-exec"))) = &nl_boot;            \
  _Alignas(16) char nl_ops_##name[512];

uint32_t nl_flusher_phase, nl_lacks_cas128;
__thread struct nl_task nl_task __attribute__((tls_model("initial-exec")));
STORAGE(sheaves)
STORAGE(heap)
STORAGE(sheaves_debug)
STORAGE(sheaves_rt)
STORAGE(cpuslab_rt)
STORAGE(tiny_rt)
STORAGE(cpuslab)
STORAGE(tiny)
STORAGE(gfpflag)
STORAGE(floor)
