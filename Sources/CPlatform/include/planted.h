// planted.h: entry points with one instruction more: the plant of counts that are gated exactly.
//
// Why C: the length of a function in instructions is fixed in assembly only.
#ifndef NL_PLANTED_H
#define NL_PLANTED_H

#include <stddef.h>
#include <stdint.h>

#include "boundary.h"
#include "compiler.h"

/// Sets what is behind the planted entry points.  Before the first call of either.
void nl_planted_set(nl_call_allocate NL_NONNULL allocate, nl_call_release NL_NONNULL release);
/// The allocation behind one `jmp`.
void *NL_NULLABLE nl_planted_allocate(size_t size, uint32_t gfp, int32_t node);
/// The free behind one `jmp`.
void nl_planted_release(void *NL_NULLABLE object);

#endif
