// slab_layout.h: the allocator's data structures.
//
// They are C because Swift cannot fix a layout, and the fast line counts on it: byte offsets in
// tables, one cache line per cache and thread, zero-filled memory as the valid first state.
#ifndef NL_SLAB_LAYOUT_H
#define NL_SLAB_LAYOUT_H

#include <stddef.h>
#include <stdint.h>
#include "compiler.h"

#define NL_PAGE_SHIFT 12
#define NL_BUCKETS 13          // 8 … 8192 with 96 and 192
#define NL_CACHES (2 * NL_BUCKETS)  // plain and accounted (kmalloc-cg) family
#define NL_NODES 4             // simulated NUMA nodes at most
#define NL_MAX_SLAB_ORDER 3    // PAGE_ALLOC_COSTLY_ORDER
#define NL_MAX_ORDER 10        // MAX_PAGE_ORDER: 4 MiB

/// Lines 0…2, and those behind the caches', are dummies whose lock byte is always 1, so every rare case leaves the fast path at
/// the lock test.  Line 0 must be one: the page table and the bucket tables start as zeroes.
enum nl_line_index { NL_LINE_FOREIGN = 0, NL_LINE_PAGES = 1, NL_LINE_REMOTE = 2, NL_LINE_FIRST = 3,
                     NL_LINE_STOCK = 31 };  // its lock and request guard the vCPU's stock of quota
#define NL_LINES 32

#define NL_SHEAF_LIMIT 512     // objects in a sheaf, at most

/// An array of object pointers with a size: the unit in which objects travel.
struct nl_sheaf {
  struct nl_sheaf *NL_NULLABLE next;  ///< barn list
  uint32_t capacity;
  uint32_t size;        ///< valid while the sheaf is not a line's `main`
  uint32_t cache;
  uint32_t kind;        ///< enum nl_sheaf_kind
  uint32_t node;        ///< of a prefilled sheaf: its objects' node
  uint32_t reserved;
  void *NL_NULLABLE objects[];
};

enum nl_sheaf_kind { NL_SHEAF_PLAIN = 0, NL_SHEAF_OVERSIZE = 1 };

/// What one vCPU keeps for one cache: 64 bytes, all that a hit touches besides the tables.
struct nl_line {
  union {
    struct {
      uint8_t lock;       ///< 0 free, 1 held by the owner (local_trylock_t)
      uint8_t request;    ///< 1 while a remote flusher asks for the line
      uint8_t pending;    ///< 1 after a handler of this thread left deferred work
      uint8_t reserved;
    };
    uint32_t owner;       ///< PREEMPT_RT: a futex word, the tid of the task that holds the line
  };
  uint32_t object_size;
  void *NL_NULLABLE *NL_NONNULL top;  ///< next free slot of main
  uintptr_t empty;    ///< top <= empty: slow allocation; main's first slot, or ~0 (poison)
  uintptr_t full;     ///< top >= full: slow free; main's end, or 0 (poison)
  uint64_t alloc_fast;
  uint64_t frees;     ///< `cpuslab`: their number; sheaves: what tells it (Context/FreeCount.swift)
  struct nl_sheaf *NL_NONNULL main;
  struct nl_sheaf *NL_NULLABLE spare;
};

/// The same 64 bytes in the design with per-CPU slabs (Linux 6.18).  {freelist, tid} are one unit:
/// of this thread's own accesses, so the exchange carries no lock prefix.
struct nl_cpu_slab {
  uint8_t lock, request, pending, reserved;
  uint32_t object_size;
  uint64_t partial_slabs;             ///< on `partial`
  void *NL_NULLABLE freelist;         ///< the active slab's free objects, this thread's alone
  uint64_t tid;                       ///< transactions: changes with every change of this line
  uint64_t alloc_fast, frees;
  struct nl_slab *NL_NULLABLE slab;   ///< active: frozen, others may push on its own freelist
  struct nl_slab *NL_NULLABLE partial;///< not frozen, on no node's list; guarded by `lock`
};

enum nl_vcpu_state {
  NL_VCPU_FREE = 0,      ///< on the free list, or being filled
  NL_VCPU_ATTACHED = 1,
  NL_VCPU_SHARED = 2,    ///< `boot` and `gone`: no thread's own, all lines locked
  NL_VCPU_ORPHAN = 3,    ///< its thread did not survive a fork; the worker reclaims it
};

/// A multi-producer list of freed objects, linked through their free-pointer slots.
struct nl_deferred {
  void *NL_NULLABLE head;     ///< newest; producers exchange it
  void *NL_NULLABLE stalled;  ///< rest of an earlier take; guarded by `draining`
  uint8_t draining;           ///< who is at it: 0 nobody, 1 another thread, 2 the list's own
};

#define NL_COUNTERS 96

/// One attached thread (a "CPU").  Type-stable: once carved it stays a vCPU for ever.
struct nl_vcpu {
  struct nl_line line[NL_LINES];
  uint16_t bucket[1024];            ///< (size-1)>>3 to byte offset of the plain family's line
  uint16_t bucket_accounted[1024];
  uintptr_t arena_base, arena_size;
  const uint16_t *NL_NULLABLE page;  ///< page number to byte offset of a line
  uint32_t state;      ///< enum nl_vcpu_state
  uint32_t tid;
  uint32_t index;
  uint32_t next_free;  ///< free list: index + 1
  uint8_t hooked;      ///< 0 no exit hook, 1 armed, 2 could not be armed, 3 the worker's own
  uint8_t flush_lock;  ///< the worker, a remote flusher or the exit hook is at it
  uint8_t page_lock;   ///< local trylock of page_list
  uint8_t silent;      ///< worker periods without activity
  uint32_t generation; ///< of the last fork when attached
  uint64_t attached_at;///< order of attaching
  uint64_t activity;   ///< sum of the counters when the worker last looked
  uint64_t stock;      ///< bytes of quota charged ahead; guarded by line NL_LINE_STOCK
  uint32_t node;       ///< simulated
  struct nl_deferred deferred;
  struct nl_deferred deferred_slabs;  ///< `cpuslab`: deactivations that a handler left
  struct nl_slab *NL_NULLABLE page_list[NL_MAX_SLAB_ORDER + 1];
  uint32_t page_count[NL_MAX_SLAB_ORDER + 1];
  uint64_t counter[NL_COUNTERS];
  uint32_t page_owner;  ///< PREEMPT_RT: as `page_lock`, with an owner
  uint32_t users;       ///< PREEMPT_RT: attached threads
  uint32_t central;     ///< central locks that calls of this thread hold, or are about to take
  uintptr_t central_frame;  ///< stack pointer of the outermost of these calls
};

/// A page's descriptor; of a block of pages only the first one's is used.
struct nl_slab {
  void *NL_NULLABLE freelist;  ///< with `counters` one 16-byte unit, changed by CAS only
  uint64_t counters;           ///< inuse 16 bits | objects 15 bits << 16 | frozen << 31
  struct nl_slab *NL_NULLABLE next, *NL_NULLABLE prev;
  uint32_t page;        ///< page number in the arena
  uint8_t state;        ///< enum nl_page_state
  uint8_t order;
  uint8_t cache;
  uint8_t on_partial;   ///< guarded by list_lock
  uint8_t touched;      ///< handed out before: its pages are populated
  uint8_t charged;      ///< of a large object: its pages count against the quota
  uint8_t word_lock;    ///< guards freelist and counters where there is no 128-bit CAS
  void *NL_NULLABLE saved;  ///< free objects that came back with a deferred deactivation
  uint64_t reserved;
};
enum nl_page_state { NL_PAGE_UNUSED = 0, NL_PAGE_FREE = 1, NL_PAGE_SLAB = 2, NL_PAGE_LARGE = 3 };

/// A central lock: 0 free, else the holder's tid, with NL_LOCK_WAITERS if somebody sleeps on it.
struct nl_lock { uint32_t word; };
#define NL_LOCK_WAITERS 0x80000000u

/// Full and empty sheaves of one cache and node, both LIFO.
struct nl_barn {
  struct nl_lock lock;
  uint32_t full_count, empty_count;
  struct nl_sheaf *NL_NULLABLE full, *NL_NULLABLE empty;
  uint64_t reserved[4];
};

/// Slabs with free objects of one cache and node; allocation takes from the head.
struct nl_node {
  struct nl_lock list_lock;
  uint32_t partial_count;
  struct nl_slab *NL_NULLABLE head, *NL_NULLABLE tail;
  struct nl_slab *NL_NULLABLE full;  ///< slabs without free objects, of debug caches only
  uint64_t reserved[4];
};

struct nl_cache {
  struct nl_node node;
  struct nl_barn barn;
  uint32_t object_size, link_offset;  ///< link_offset: of the free pointer in a free object
  uint32_t order, minimum_order;
  uint32_t capacity, sheaf_cache;     ///< of a sheaf, and the cache its memory comes from
  uint32_t minimum_partial, index;
  uint32_t cpu_partial;               ///< partial slabs that a vCPU keeps
  uint32_t numa_node, stride, first;  ///< stride and offset of objects, of debug caches only
  uint64_t random;                    ///< hides free pointers, of debug caches only
  uint32_t first_fill;                ///< objects that a thread's first sheaf is filled with
  uint32_t reserved;
};

/// What stands right behind each object of a checked cache (Sources/Slab/Debug/Checks).
struct nl_track {
  uint64_t red_zone;
  void *NL_NULLABLE link;   ///< free pointer, hidden; raw while the object is deferred
  uint64_t alloc_site, free_site;  ///< return addresses
  uint32_t alloc_tid, free_tid;
  uint32_t requested;       ///< bytes; behind them the red zone begins
  uint8_t state;            ///< enum nl_object_state
  uint8_t nolock;           ///< 1: came from kmalloc_nolock
  uint16_t reserved;
};
/// Odd values: neither 0 nor any of the poison bytes is one.
enum nl_object_state { NL_OBJECT_FREE = 0x11, NL_OBJECT_ALLOCATED = 0x23, NL_OBJECT_FREEING = 0x35,
                       NL_OBJECT_DEFERRED = 0x47, NL_OBJECT_WITHHELD = 0x59 };

/// The last finding of a checked instance.
struct nl_report {
  uint8_t busy;             ///< somebody writes or reads it
  uint8_t unwritten;        ///< stderr does not have it yet
  uint32_t length;
  char text[1024];
};

#define NL_RESERVE_BLOCKS 4

/// The blocks of pages that nobody uses.
struct nl_zone {
  struct nl_lock lock;
  struct nl_slab *NL_NULLABLE free[NL_MAX_ORDER + 1];
  uint64_t grown;       ///< pages carved from the low end, under the lock
  struct nl_slab *NL_NULLABLE parked;  ///< freed while the lock was taken; wait-free push
  struct nl_slab *NL_NULLABLE stalled; ///< rest of an earlier take of `parked`; under the lock
  uint64_t populated_at_top; ///< pages, the worker's: touched ahead of the carving
  uint64_t carved_from_top;  ///< pages carved from the high end, lock-free (heap)
  struct nl_slab *NL_NULLABLE reserve[NL_MAX_SLAB_ORDER + 1][NL_RESERVE_BLOCKS];
  uint64_t first_page, end_page;  ///< of the arena: the node's range
  uint64_t padding[8];
};

/// One instance of the allocator.  In .bss: all zero means "not started".  The storage is aligned
/// to a cache line, not the type: Swift imports over-aligned types as opaque.
struct nl_instance {
  struct nl_cache cache[NL_NODES * NL_CACHES];  ///< node 0's, then node 1's, …
  uint32_t started;
  uint32_t membarrier;   ///< 1 if the private expedited command is registered
  uint32_t generation;   ///< forks survived
  uint32_t exit_key;
  uintptr_t arena_base, arena_size;
  uint16_t *NL_NULLABLE page;
  struct nl_slab *NL_NULLABLE slab;
  struct nl_vcpu *NL_NULLABLE vcpu;
  uint32_t vcpu_limit, cpu_count;
  uint32_t barn_limit;   ///< full, and empty, sheaves that a barn keeps
  uint32_t counts_frees; ///< 1: lines count frees one by one (`cpuslab`)
  uint32_t carves_from_top;  ///< 1: nolock page allocation may carve fresh pages lock-free
  uint32_t *NL_NULLABLE fork_marker;  ///< 1; the kernel wipes its page in a child
  uint64_t page_limit;   ///< 0 = none
  uint64_t quota;        ///< bytes of accounted objects; 0 = nothing is charged
  uint32_t node_count;   ///< simulated nodes
  uint32_t node_pages;   ///< pages of each
  uint16_t *NL_NULLABLE view[NL_NODES];  ///< what each node's vCPUs see of `page`; NULL: all of it
  uint64_t padding[8];   // What follows is written often, what stands above is not.
  struct nl_zone zone[NL_NODES];
  uint32_t vcpu_count;   ///< carved so far
  uint32_t worker_state; ///< enum nl_worker_state
  uint64_t vcpu_free;    ///< tag << 32 | index + 1
  uint64_t pages_used, pages_used_max;
  uint64_t quota_used;   ///< bytes charged, stocks included
  uint64_t attaches;
  struct nl_deferred deferred;  ///< of threads without a vCPU
  uint32_t worker_bell;  ///< futex word; changes at each wake-up request
  uint32_t worker_rounds;///< futex word; finished rounds
  uint32_t worker_tid;   ///< 0 when there is no worker thread, 1 while it starts
  uint8_t dirty;         ///< a handler deferred something since the worker last looked
  uint32_t flush_wanted; ///< 1: the worker's next round flushes every thread
  uint64_t worker_wakeups, worker_cpu_ns;
  void *NL_NULLABLE flush_buffer[2 * NL_SHEAF_LIMIT];  ///< the worker's: a line's main and spare
  uint64_t counter[NL_COUNTERS];  ///< of callers without a vCPU
  uint32_t shared_vcpus;  ///< PREEMPT_RT: vCPUs among which threads are dealt out
  uint32_t abort_on_error, report_to_stderr;
  struct nl_report report;
};
enum nl_worker_state { NL_WORKER_NONE = 0, NL_WORKER_RUNS = 1, NL_WORKER_FORBIDDEN = 2 };

_Static_assert(sizeof(struct nl_track) == 48, "a multiple of 8");
_Static_assert(sizeof(struct nl_line) == 64, "one cache line");
_Static_assert(sizeof(struct nl_cpu_slab) == 64 && offsetof(struct nl_cpu_slab, freelist) == 16,
               "two halves of a 16-byte exchange");
_Static_assert(offsetof(struct nl_cpu_slab, alloc_fast) == offsetof(struct nl_line, alloc_fast),
               "counted without knowing the design");
_Static_assert(sizeof(struct nl_sheaf) == 32, "the kernel's sheaf header");
_Static_assert(sizeof(struct nl_slab) == 64, "one cache line");
_Static_assert(sizeof(struct nl_node) == 64 && sizeof(struct nl_barn) == 64, "one cache line");
_Static_assert(sizeof(struct nl_cache) == 192, "node, barn and constants apart");
_Static_assert(offsetof(struct nl_vcpu, bucket) == 2048, "tables behind the lines");
_Static_assert(sizeof(struct nl_vcpu) <= 8192, "two pages a thread");
_Static_assert(NL_LINE_FIRST + NL_CACHES <= NL_LINES, "a line per cache");

#endif
