// wrapped.h: the foreground's allocator calls with something around each: the thread's own declaration
// that interrupts are off (class hardirq), or the stepper.
//
// Why C: the flag is thread-local and shared with a handler of the same thread.
#ifndef NL_WRAPPED_H
#define NL_WRAPPED_H

#include "boundary.h"

/// Sets the functions behind the wrappers, and what runs at each boundary of the stepped ones.
/// Before any thread starts.
void nl_wrapped_set(nl_call_allocate NL_NONNULL allocate, nl_call_release NL_NONNULL release,
                    nl_boundary_visitor NL_NULLABLE visit);

/// With interrupts of class hardirq off: a signal that lands inside is sent again at the end.
void *NL_NULLABLE nl_masked_allocate(size_t size, uint32_t gfp, int32_t node);
void nl_masked_release(void *NL_NULLABLE object);

/// Stepped; flags are those of the foreground's calls, 0 and any node.
void *NL_NULLABLE nl_stepped_allocate(size_t size, uint32_t gfp, int32_t node);
void nl_stepped_release(void *NL_NULLABLE object);

#endif
