// shadow.h: the shadow heap is written into the objects themselves: a mark in the first word, a
// pattern in the rest.  An object handed out twice is marked twice; a link written into a live
// object breaks the pattern.
#ifndef SHADOW_H
#define SHADOW_H

#include <stdint.h>
#include <stddef.h>

#define SHADOW_LIVE 0x6c6976652d6f626aull
#define SHADOW_REST 0xa5a5a5a5a5a5a5a5ull

/// 1 if the object was live already.
static inline int shadow_mark(void *object, size_t size) {
  uint64_t *word = object;
  int twice = __atomic_exchange_n(word, SHADOW_LIVE, __ATOMIC_SEQ_CST) == SHADOW_LIVE;
  for (size_t i = 1; i < size / 8 && i < 64; i++) word[i] = SHADOW_REST;
  return twice;
}
/// 1 if the object was not live, or was written to.
static inline int shadow_unmark(void *object, size_t size) {
  uint64_t *word = object;
  int wrong = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) != SHADOW_LIVE;
  for (size_t i = 1; i < size / 8 && i < 64; i++) wrong |= word[i] != SHADOW_REST;
  return wrong;
}

#endif
