#include "planted.h"

// Named in the assembly below, so not static.
__attribute__((visibility("hidden"))) nl_call_allocate nl_planted_allocation;
__attribute__((visibility("hidden"))) nl_call_release nl_planted_free;

void nl_planted_set(nl_call_allocate allocate, nl_call_release release) {
  nl_planted_allocation = allocate;
  nl_planted_free = release;
}

#if defined(__x86_64__)

__attribute__((naked)) void *nl_planted_allocate(size_t size, uint32_t gfp, int32_t node) {
  __asm__("jmp *nl_planted_allocation(%rip)");
}

__attribute__((naked)) void nl_planted_release(void *object) {
  __asm__("jmp *nl_planted_free(%rip)");
}

#else

// Nothing is single-stepped here, so nothing is planted either.
void *nl_planted_allocate(size_t size, uint32_t gfp, int32_t node) {
  return nl_planted_allocation(size, gfp, node);
}

void nl_planted_release(void *object) { nl_planted_free(object); }

#endif
