// peers.h: what stands between the harness and a peer's malloc, or nothing at all.
//
// Why C: Swift keeps a frame pointer, which would cost a peer three instructions more per call.
#ifndef NL_PEERS_H
#define NL_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

typedef void *NL_NULLABLE (*nl_peer_malloc_function)(size_t);
typedef void *NL_NULLABLE (*nl_peer_calloc_function)(size_t, size_t);

/// Sets the one peer of this process.  Before any thread starts.
void nl_peer_set(nl_peer_malloc_function NL_NONNULL, nl_peer_calloc_function NL_NONNULL);
/// kmalloc() over it: one test and one tail jump.
void *NL_NULLABLE nl_peer_kmalloc(size_t size, uint32_t gfp, int32_t node);

/// kmalloc() and kfree() of the subject `null`: the least that a call can cost.
void nl_null_set(void *NL_NONNULL object);
void *NL_NULLABLE nl_null_kmalloc(size_t size, uint32_t gfp, int32_t node);
void nl_null_kfree(void *NL_NULLABLE object);

#endif
