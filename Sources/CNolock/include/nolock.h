// nolock.h: the public C interface of nolock.  No code, only declarations.
//
// Memory that can be allocated and freed in any context.  Functions ending in `_nolock` may be
// called from any signal handler, also from one that interrupted this allocator; all others are
// for ordinary (task) context.  Semantics follow Linux 7.3: kmalloc_nolock(), kfree_nolock().
#ifndef NOLOCK_H
#define NOLOCK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Revision of `struct nolock_ops`.  It changes only if a field changes its meaning; new fields
/// are appended and seen by `size`.
#define NOLOCK_ABI 1u

/// Largest size, in bytes, that a slab serves; above it kmalloc() returns whole pages (to
/// NOLOCK_MAX_SIZE) and kmalloc_nolock() returns NULL.
#define NOLOCK_MAX_CACHE_SIZE 8192u
/// Largest size of kmalloc(), in bytes: one block of the highest page order, as in the kernel.
#define NOLOCK_MAX_SIZE (4u << 20)

/// What kmalloc(0) returns: not NULL, not to be dereferenced; freeing it does nothing.
#define NOLOCK_ZERO_SIZE_PTR ((void *)16)

/// Flags for `gfp`.  All other bits make the call return NULL.
enum nolock_gfp {
  NOLOCK_GFP_ZERO = 1u << 0,     ///< the whole bucket is zeroed
  NOLOCK_GFP_ACCOUNT = 1u << 1,  ///< from the accounted (kmalloc-cg) family of caches
  /// Subject `gfpflag` only: kmalloc() returns NULL where it would need a lock.
  NOLOCK_GFP_NOLOCK = 1u << 2,
};

/// Any node: the value for `node` where the caller has no preference.
#define NOLOCK_NO_NODE (-1)

/// What a thread declares about itself, for those who model a kernel: one kind, and any of the two
/// flags.  Nobody who just calls from a signal handler has to declare anything.
enum nolock_context {
  NOLOCK_CONTEXT_UNKNOWN = 0,  ///< nothing declared: nolock calls assume NMI
  NOLOCK_CONTEXT_TASK = 1,     ///< may sleep, without the flags below
  NOLOCK_CONTEXT_SOFTIRQ = 2,
  NOLOCK_CONTEXT_HARDIRQ = 3,
  NOLOCK_CONTEXT_NMI = 4,
  NOLOCK_CONTEXT_IRQS_OFF = 8,      ///< signals that ask by nolock_defer_irq() wait
  NOLOCK_CONTEXT_PREEMPT_OFF = 16,  ///< may not sleep
};

/// What a subject can do.  A workload that needs a bit that is missing is skipped with the reason.
enum nolock_capability {
  NOLOCK_CAP_ANY_CONTEXT = 1u << 0,  ///< kmalloc_nolock and kfree_nolock exist
  NOLOCK_CAP_KFREE_RCU = 1u << 1,    ///< kfree_rcu exists
  NOLOCK_CAP_GFP_ACCOUNT = 1u << 2,  ///< NOLOCK_GFP_ACCOUNT selects another family of caches
  NOLOCK_CAP_STATS = 1u << 3,        ///< stats() is filled
  NOLOCK_CAP_LIMIT = 1u << 4,        ///< control("limit", bytes) bounds the memory
  NOLOCK_CAP_BULK = 1u << 5,         ///< kmalloc_bulk and kfree_bulk exist
  NOLOCK_CAP_PREFILL = 1u << 6,      ///< prefilled sheaves exist
  NOLOCK_CAP_SHRINK = 1u << 7,       ///< shrink and flush exist
  NOLOCK_CAP_NODES = 1u << 8,        ///< control("nodes", n) and ("node", i) simulate NUMA nodes
  NOLOCK_CAP_QUOTA = 1u << 9,        ///< control("quota", bytes) bounds accounted objects
  NOLOCK_CAP_CHECKS = 1u << 10,      ///< misuse is found, counted (slab_errors) and reported
};

/// One counter, monotonic since the subject was loaded unless its name ends in `_now` (a gauge)
/// or `_max` (a high-water mark).  Bytes and nanoseconds say so in the name.
struct nolock_stat {
  const char *name;  ///< static storage of the subject
  uint64_t value;
};

/// Lockdep's wait types: what a lock's waiter does, and so what may be held meanwhile.
enum nolock_wait_type {
  NOLOCK_WAIT_INVALID = 0,  ///< not checked
  NOLOCK_WAIT_FREE = 1,
  NOLOCK_WAIT_SPIN = 2,     ///< raw_spinlock_t
  NOLOCK_WAIT_CONFIG = 3,   ///< spinlock_t, local_lock_t: they sleep on PREEMPT_RT
  NOLOCK_WAIT_SLEEP = 4,    ///< mutex
};

/// A class of a caller's own locks; in static storage, its address is its identity.
struct nolock_lock_class {
  const char *name;
  uint8_t outer;  ///< wait type that taking it needs; 0: as `inner`
  uint8_t inner;  ///< wait type of what may be taken while it is held
  uint8_t kind;   ///< 0; 1: override map, sets what follows to `inner` (LD_LOCK_WAIT_OVERRIDE)
};

/// Lockdep for those who model a kernel: their locks beside the allocator's.  Context: any.
struct nolock_lockdep {
  /// Before `lock` is taken by waiting, or after it was taken by trying (`trylock`).
  void (*acquire)(const void *lock, const struct nolock_lock_class *kind, int trylock);
  void (*release)(const void *lock);
  /// The first report since control("lockdep_clear"), in the kernel's format; NULL if none.
  const char *(*report)(void);
};

/// A prefilled sheaf: objects of one bucket, got in advance by whoever may wait, for those who may
/// not.
struct nolock_sheaf;

/// An allocator, as the harness sees it.
struct nolock_ops {
  uint32_t abi;           ///< NOLOCK_ABI
  uint32_t size;          ///< sizeof(struct nolock_ops) of the subject
  uint64_t capabilities;  ///< enum nolock_capability
  const char *name;
  const char *version;
  void *(*kmalloc)(size_t size, uint32_t gfp, int32_t node);
  void (*kfree)(void *object);
  /// NULL where the subject promises nothing in a signal handler.
  void *(*kmalloc_nolock)(size_t size, uint32_t gfp, int32_t node);
  void (*kfree_nolock)(void *object);
  /// Frees `object` after a grace period.  NULL without NOLOCK_CAP_KFREE_RCU.
  void (*kfree_rcu)(void *object);
  void (*kfree_rcu_nolock)(void *object);
  /// Returns when every object whose free was deferred before the call is free.
  void (*barrier)(void);
  /// 0, or -1 if no record was left: the thread then works without a cache of its own.
  int (*thread_attach)(void);
  void (*thread_detach)(void);
  /// Writes up to `capacity` counters and returns how many there are.
  size_t (*stats)(struct nolock_stat *out, size_t capacity);
  /// Usable bytes of `object`: the size of its bucket.  0 for NULL, NOLOCK_ZERO_SIZE_PTR and
  /// foreign pointers.
  size_t (*ksize)(const void *object);
  /// "limit": bytes of pages in use at most; 0 = none.  "worker": 0 stops, 1 starts it.
  /// "nodes": simulated NUMA nodes, 1…4, before the first allocation.  "node": moves the calling
  /// thread to one.  "quota": bytes of accounted objects at most; not 0; the first one before the
  /// first allocation.  "abort_on_error": 1: a report ends the process.  "report_to_stderr": 1:
  /// reports are written there, too.  "validate": checks all objects of the checked instance.
  /// 0, or -1 for an unknown key, a missing capability or a value that is not allowed.
  int (*control)(const char *key, uint64_t value);
  /// nolock_context() and nolock_defer_irq() of the subject; NULL where it knows no contexts.
  uint32_t (*context)(uint32_t context);
  int (*defer_irq)(int signal);
  /// NULL but in builds with lockdep (scripts/build-subject OUT.so DESIGN+lockdep).
  const struct nolock_lockdep *lockdep;

  // Since here: look at `size` and the capability first.

  /// Fills `objects` with `count` objects of `size` bytes: all of them, or none and returns 0.
  /// Context: task.  NOLOCK_CAP_BULK.
  size_t (*kmalloc_bulk)(size_t size, uint32_t gfp, size_t count, void **objects);
  /// Frees `count` objects, of any sizes; changes their order.  Context: task.
  void (*kfree_bulk)(size_t count, void **objects);

  /// A sheaf of at least `count` objects of `size` (1…8192) bytes; NULL without memory.
  /// Context: task.  NOLOCK_CAP_PREFILL.
  struct nolock_sheaf *(*prefill)(size_t size, uint32_t gfp, size_t count);
  /// An object of the sheaf, cleared if `gfp` says so: never NULL while sheaf_size() is not 0; a
  /// quota is exceeded rather than failed.  Context: any; wait-free.
  void *(*alloc_from_sheaf)(struct nolock_sheaf *sheaf, uint32_t gfp);
  /// Objects that are left.
  size_t (*sheaf_size)(struct nolock_sheaf *sheaf);
  /// Makes it hold at least `count` again; `*sheaf` may change.  0, -ENOMEM (the sheaf is as it
  /// was), or -EINVAL without a sheaf.  Context: task.
  int (*refill_sheaf)(struct nolock_sheaf **sheaf, size_t count);
  /// Gives the sheaf back with what it holds; NULL does nothing.  Context: task.
  void (*return_sheaf)(struct nolock_sheaf *sheaf);

  /// Empties the barns, returns empty slabs, and sorts partial ones, fullest first.  Returns the
  /// slabs that are left on partial lists.  Context: task.  NOLOCK_CAP_SHRINK.
  size_t (*shrink)(void);
  /// Returns what threads cache to the slabs, as far as nobody is using it.  Context: task.
  void (*flush)(void);
  /// Copies the last report of NOLOCK_CAP_CHECKS, lines of text and a NUL, cut to `capacity`, and
  /// returns its length without the NUL; 0: there is none.  Context: any.
  size_t (*report)(char *out, size_t capacity);
};

// The default instance, tuned for user programs.

/// `size` bytes, naturally aligned (to the size of their bucket, 96 and 192 to 32 and 64).
///
/// Returns NULL iff a flag is unknown, `size` is above NOLOCK_MAX_SIZE, or there is no memory.
/// Context: task.  Progress: a hit is wait-free; else it may wait for a lock.  Complexity: O(1);
/// a slow call is bounded by a sheaf's capacity.  Ordering: what happened before the object's free
/// happens before this returns.
void *nolock_kmalloc(size_t size, uint32_t gfp, int32_t node);

/// Frees an object of nolock_kmalloc() or nolock_kmalloc_nolock(); NULL and NOLOCK_ZERO_SIZE_PTR
/// do nothing.
///
/// Context: task.  Progress, Complexity: as nolock_kmalloc().  Ordering: happens before the next
/// allocation that returns the object.
void nolock_kfree(void *object);

/// `size` bytes, without ever waiting.
///
/// Returns NULL iff a flag is unknown, `size` is above NOLOCK_MAX_CACHE_SIZE, the library is not
/// started, or the bucket and the next larger one could neither serve from a sheaf nor from a slab
/// without waiting.  The object may come from the next larger bucket.
/// Context: any signal handler, nested to any depth.  Progress: wait-free, but for exchanges that
/// are tried 8 times.  Complexity: O(1) on a hit; at most two buckets and two new slabs.  No system
/// call, but gettid in a thread's very first call.  Ordering: as nolock_kmalloc().
void *nolock_kmalloc_nolock(size_t size, uint32_t gfp, int32_t node);

/// Frees an object of nolock_kmalloc_nolock() without ever waiting: onto a sheaf, or onto a list
/// that the next ordinary call of this thread or the helper thread drains.
///
/// Context: any signal handler, nested to any depth.  Progress: wait-free.  Complexity: O(1).
/// Ordering: as nolock_kfree().
void nolock_kfree_nolock(void *object);

/// Usable bytes of `object`; 0 for what is no object.  Context: any.  Progress: wait-free.
size_t nolock_ksize(const void *object);

/// Returns when every object whose free was deferred before the call is free.  Context: task.
void nolock_barrier(void);

/// nolock_ops.stats, .control, .thread_attach and .thread_detach of the default instance.
size_t nolock_stats(struct nolock_stat *out, size_t capacity);
int nolock_control(const char *key, uint64_t value);
int nolock_thread_attach(void);
void nolock_thread_detach(void);

/// Declares what the calling thread is doing and returns what it was: pass that back at the end, so
/// declarations nest.  A handler inherits the declaration of what it interrupted until it makes its
/// own.  Returns ~0, and declares nothing, iff `context` is no enum nolock_context.
///
/// Context: any signal handler, nested to any depth.  Progress: wait-free; a system call for each
/// signal that was held off and arrives now.  Complexity: O(1).  Ordering: none.
uint32_t nolock_context(uint32_t context);

/// For a handler of class hard IRQ, first thing: 1 if interrupts are off in the thread and the
/// handler must return at once; `signal` is then sent to the thread again when they are on.
///
/// Context: the handler.  Progress: wait-free.  Complexity: O(1).  Ordering: none.
int nolock_defer_irq(int signal);

/// nolock_ops.kmalloc_bulk and the fields behind it, of the default instance.
size_t nolock_kmalloc_bulk(size_t size, uint32_t gfp, size_t count, void **objects);
void nolock_kfree_bulk(size_t count, void **objects);
struct nolock_sheaf *nolock_prefill(size_t size, uint32_t gfp, size_t count);
void *nolock_alloc_from_sheaf(struct nolock_sheaf *sheaf, uint32_t gfp);
size_t nolock_sheaf_size(struct nolock_sheaf *sheaf);
int nolock_refill_sheaf(struct nolock_sheaf **sheaf, size_t count);
void nolock_return_sheaf(struct nolock_sheaf *sheaf);
size_t nolock_shrink(void);
void nolock_flush(void);

/// The one symbol of a subject's shared object.  NULL if it cannot serve `abi`.
const struct nolock_ops *nolock_subject(uint32_t abi);

#ifdef __cplusplus
}
#endif
#endif
