// The same table with malloc behind it: what handler.c does with the C library.
#include <stdlib.h>
#include "nolock.h"
static void *allocate(size_t size, uint32_t gfp, int32_t node) { return (void)gfp, (void)node, malloc(size); }
static const struct nolock_ops ops = {
    .kmalloc = allocate, .kfree = free, .kmalloc_nolock = allocate, .kfree_nolock = free};
const struct nolock_ops *nolock_subject(uint32_t abi) { return (void)abi, &ops; }
