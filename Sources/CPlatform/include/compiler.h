// compiler.h: what every shim of this module needs.
#ifndef NL_COMPILER_H
#define NL_COMPILER_H

/// Marks a shim that Swift may call from @_noLocks @_noAllocation code.  The attribute is our own
/// promise, so a marked function is a few instructions long.
#if defined(__swift__)
#define NL_SIGNAL_SAFE \
  __attribute__((swift_attr("@_noLocks"))) __attribute__((swift_attr("@_noAllocation")))
#else
#define NL_SIGNAL_SAFE
#endif

#if defined(__clang__)
#define NL_NONNULL _Nonnull
#define NL_NULLABLE _Nullable
#else
#define NL_NONNULL
#define NL_NULLABLE
#endif

#endif
