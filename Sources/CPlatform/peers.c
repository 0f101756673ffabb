#include "peers.h"

static nl_peer_malloc_function peer_malloc;
static nl_peer_calloc_function peer_calloc;

void nl_peer_set(nl_peer_malloc_function malloc, nl_peer_calloc_function calloc) {
  peer_malloc = malloc;
  peer_calloc = calloc;
}

void *nl_peer_kmalloc(size_t size, uint32_t gfp, int32_t node) {
  (void)node;
  // NOLOCK_GFP_ZERO.
  if (__builtin_expect(gfp & 1u, 0)) return peer_calloc(1, size);
  return peer_malloc(size);
}

static void *null_object;

void nl_null_set(void *object) { null_object = object; }

void *nl_null_kmalloc(size_t size, uint32_t gfp, int32_t node) {
  (void)size, (void)gfp, (void)node;
  return null_object;
}

void nl_null_kfree(void *object) { (void)object; }
