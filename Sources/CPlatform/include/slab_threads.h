// slab_threads.h: what of a thread's and a process's life only libc can tell.  Task context only.
#ifndef NL_SLAB_THREADS_H
#define NL_SLAB_THREADS_H

#include <stdint.h>
#include "compiler.h"

typedef void (*NL_NONNULL nl_exit_hook)(void *NL_NULLABLE vcpu);
typedef void (*NL_NONNULL nl_plain_hook)(void);

/// A key whose destructor is `hook`.  0, or an errno.
int nl_make_exit_key(uint32_t *NL_NONNULL key, nl_exit_hook hook);
/// Arms the hook for the calling thread.  May allocate: never from a handler.  0, or an errno.
int nl_arm_exit_hook(uint32_t key, void *NL_NULLABLE vcpu);
/// 1 if the calling thread's hook is armed.
int nl_exit_hook_armed(uint32_t key);
/// Runs `child` in the child of every fork().  0, or an errno.
int nl_at_fork(nl_plain_hook child);
/// A detached thread with every signal blocked, so that no handler ever runs on it.
int nl_start_thread(nl_plain_hook run);
void nl_yield(void);

#endif
