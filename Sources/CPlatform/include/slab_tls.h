// slab_tls.h: the roots of each instance: one TLS slot and one block of state.
#ifndef NL_SLAB_TLS_H
#define NL_SLAB_TLS_H

#include "slab_atomic.h"

/// What every TLS slot points to before its thread's first slow call, and after its exit.  All
/// lock bytes are 1, so every call leaves the fast path; nothing is ever written here.
extern struct nl_vcpu nl_boot, nl_gone;
/// `main` of a line that has no sheaf yet: capacity 0, so both bounds fail without a NULL test.
extern struct nl_sheaf nl_bootstrap_sheaf;

// Initial-exec: the general model calls __tls_get_addr, which may allocate.  One word each.
#define NL_INSTANCE(name)                                                                      \
  extern struct nl_instance nl_instance_##name;                                                \
  extern __thread struct nl_vcpu *NL_NONNULL nl_vcpu_##name                                    \
      __attribute__((tls_model("initial-exec")));                                              \
  NL_SIGNAL_SAFE static inline struct nl_instance *NL_NONNULL nl_get_instance_##name(void) {   \
    return &nl_instance_##name;                                                                \
  }                                                                                            \
  NL_SIGNAL_SAFE static inline struct nl_vcpu *NL_NONNULL nl_get_vcpu_##name(void) {           \
    return __atomic_load_n(&nl_vcpu_##name, __ATOMIC_RELAXED);                                 \
  }                                                                                            \
  /* A handler may set the slot between a load and a store, hence compare and exchange. */     \
  NL_SIGNAL_SAFE static inline bool nl_cas_vcpu_##name(struct nl_vcpu *NL_NONNULL old,         \
                                                       struct nl_vcpu *NL_NONNULL v) {         \
    return __atomic_compare_exchange_n(&nl_vcpu_##name, &old, v, false, __ATOMIC_RELAXED,      \
                                       __ATOMIC_RELAXED);                                      \
  }                                                                                            \
  /* The ops table; its type is CNolock's. */                                                  \
  extern char nl_ops_##name[512];                                                              \
  static inline void *NL_NONNULL nl_get_ops_##name(void) { return nl_ops_##name; }

NL_INSTANCE(sheaves)
NL_INSTANCE(heap)
NL_INSTANCE(sheaves_debug)
NL_INSTANCE(sheaves_rt)
NL_INSTANCE(cpuslab_rt)
NL_INSTANCE(tiny_rt)
NL_INSTANCE(cpuslab)
NL_INSTANCE(tiny)
NL_INSTANCE(gfpflag)
NL_INSTANCE(floor)

/// 1 once it is known that the CPU has no lock-free 128-bit compare-and-exchange.
extern uint32_t nl_lacks_cas128;
NL_SIGNAL_SAFE static inline uint32_t *NL_NONNULL nl_get_lacks_cas128(void) {
  return &nl_lacks_cas128;
}

/// For the broken twins' tests only (Debug/BrokenTwins.swift).
extern uint32_t nl_flusher_phase;
NL_SIGNAL_SAFE static inline uint32_t *NL_NONNULL nl_get_flusher_phase(void) {
  return &nl_flusher_phase;
}

NL_SIGNAL_SAFE static inline struct nl_vcpu *NL_NONNULL nl_get_boot(void) { return &nl_boot; }
NL_SIGNAL_SAFE static inline struct nl_vcpu *NL_NONNULL nl_get_gone(void) { return &nl_gone; }
NL_SIGNAL_SAFE static inline struct nl_sheaf *NL_NONNULL nl_get_bootstrap_sheaf(void) {
  return &nl_bootstrap_sheaf;
}
NL_SIGNAL_SAFE static inline nl_slot nl_sheaf_objects(struct nl_sheaf *NL_NONNULL sheaf) {
  return sheaf->objects;
}

#endif
