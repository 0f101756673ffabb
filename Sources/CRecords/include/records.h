// records.h: what passes between `nolock` and `nolock-sample`, as plain values.
//
// `nolock` starts one `nolock-sample` process per sample, writes one `struct nl_plan_entry` to its
// standard input and reads one `struct nl_sample_header` followed by `metric_count` metrics and
// `bucket_count` histogram buckets from its standard output.  Both come from the same build, so
// the layout is the compiler's; `abi` and `size` catch a mixture of builds.
#ifndef NL_RECORDS_H
#define NL_RECORDS_H

#include <stdint.h>

#define NL_RECORDS_ABI 1u
#define NL_MIX_ENTRIES 1024
#define NL_MAX_THREADS 256
#define NL_MAX_COUNTERS 16

enum nl_workload {
  NL_PAIR = 1, NL_BATCH = 2, NL_CHURN = 3, NL_STORM = 4, NL_REPLAY = 5,
  NL_HANDOFF = 6,  ///< even threads allocate, the odd one after each frees
  NL_LARSON = 7,   ///< churn over arrays of slots that pass from thread to thread
  NL_KUNIT = 8,    ///< slub_kunit's test_kmalloc_kfree_nolock
};
enum nl_irq {
  NL_IRQ_NONE = 0, NL_IRQ_TIMER = 1, NL_IRQ_PERF = 2, NL_IRQ_TGKILL = 3,
  NL_IRQ_BREAKPOINT = 4,  ///< each time the thread comes to one of `irq_function`
  NL_IRQ_STEP = 5,        ///< after every instruction of the foreground's allocator calls
  NL_IRQ_PROBE = 6,       ///< at each point of a subject built with NOLOCK_PROBES
};
enum nl_irq_class {
  NL_CLASS_NMI = 0,      ///< nothing holds an interrupt off
  NL_CLASS_HARDIRQ = 1,  ///< held off while the foreground is inside the allocator
};
enum nl_arrivals { NL_PERIODIC = 0, NL_POISSON = 1 };
enum nl_handler {
  NL_HANDLER_NOLOCK = 0,  ///< allocates and frees with the *_nolock calls
  NL_HANDLER_EMPTY = 1,   ///< control cell: the signal is delivered, the handler only counts
};
enum nl_status {
  NL_OK = 0,
  NL_SKIPPED = 1,  ///< the subject or the machine cannot do this cell; `reason` says why
  NL_FAILED = 2,   ///< books do not balance, an unexpected NULL, a set-up error; `reason` says why
};
/// Where a value comes from (harness.md, "Files").
enum nl_source {
  NL_SRC_COUNT = 0, NL_SRC_CLOCK = 1, NL_SRC_TSC = 2, NL_SRC_SW_PERF = 3, NL_SRC_STEP = 4,
  NL_SRC_PMU_READ = 5, NL_SRC_PMU_RDPMC = 6,
};

/// What is read where perf refuses an event (Counters/CountedEvent.swift).
enum nl_counter_fallback {
  NL_FALLBACK_NONE = 0, NL_FALLBACK_THREAD_TIME = 1, NL_FALLBACK_FAULTS = 2,
  NL_FALLBACK_MINOR_FAULTS = 3, NL_FALLBACK_MAJOR_FAULTS = 4, NL_FALLBACK_SWITCHES = 5,
};

/// One perf event around the measured part, encoded by `nolock`: fields of perf_event_attr.
struct nl_counter {
  uint32_t type;
  uint32_t flags;          ///< enum nl_perf_flags of perf_counter.h
  uint64_t config, config1, config2;
  uint32_t fallback;       ///< enum nl_counter_fallback
  uint32_t hardware;       ///< 1: takes a counter of the processor; these are one group
};

/// One cell, ready to run.  Strings are NUL-terminated.
struct nl_plan_entry {
  uint32_t abi, size;
  char subject[64];        ///< "sheaves", "heap", "null", "glibc", "jemalloc", "rev:NAME", …
  char object_path[1024];  ///< shared object to dlopen; empty for built-in subjects
  uint32_t workload;       ///< enum nl_workload: the foreground
  uint32_t foreground;     ///< storm only: NL_PAIR or NL_CHURN
  uint32_t threads;
  uint32_t batch;          ///< batch, kunit: objects per batch
  uint32_t shuffled;       ///< batch: free in a shuffled order
  uint32_t live;           ///< churn, larson: live objects per thread; pair: others kept alive
  uint32_t irq;            ///< enum nl_irq
  uint32_t arrivals;       ///< enum nl_arrivals
  uint32_t handler;        ///< enum nl_handler
  uint32_t handler_own_bucket; ///< 1: the handler allocates only the foreground's own sizes
  double irq_rate;         ///< interrupts per second and thread
  uint64_t iterations;     ///< operations per thread (replay: passes); 0 = calibrate
  uint64_t target_ns;      ///< when calibrating: wanted length of the measured part
  uint64_t minimum_ns;     ///< measured part at least this long whatever `iterations` says; 0 = no
  uint64_t seed;
  uint64_t memory_limit;   ///< bytes, 0 = none
  uint32_t pin;            ///< 1: thread i runs on the i-th allowed CPU (mod their number)
  uint32_t replay_contexts;///< replay: 1 = events of irq context are issued from a signal
  char trace_path[1024];   ///< replay: a compact trace (Traces/CompactTrace.swift), memory-mapped
  uint32_t mix_count;      ///< entries of `mix` in use, a power of two
  uint32_t mix[NL_MIX_ENTRIES];  ///< sizes in bytes; an operation draws one uniformly
  uint32_t handler_mix_count;    ///< power of two
  uint32_t handler_mix[NL_MIX_ENTRIES];
  uint32_t nolock_calls;   ///< pair, batch, churn: 1 = the foreground itself uses the *_nolock calls
  uint32_t counter_count;  ///< entries of `counters` in use
  struct nl_counter counters[NL_MAX_COUNTERS];
  uint32_t irq_class;      ///< enum nl_irq_class
  uint32_t irq2;           ///< enum nl_irq: a second source, of another kind
  uint32_t irq_burst;      ///< signals back to back per arrival; 0 = 1
  uint32_t irq_one_thread; ///< 1: only the first thread is interrupted
  /// pair, batch, churn: 1 = single-stepped, exact instructions, no times; a dilation above 0 then
  /// adds one instruction to each call
  uint32_t counted;
  double irq2_rate;        ///< arrivals per second and thread
  /// breakpoint: functions by name (Injection/FunctionTable.swift), at most 4, with commas between;
  /// empty = "kmalloc"
  char irq_function[1024];
  /// After each chunk of `dilation_chunk` operations (replay: events) the foreground spins until
  /// this share of the chunk's own time has passed: 0.06 makes it 6 % slower.  The same code at 0.
  double dilation;
  uint32_t dilation_chunk; ///< 0 = no chunks, the plain loop; else about 20 µs of operations
  uint32_t irq_frequency;  ///< perf on a PMU: 1 = the kernel adapts the period to irq_rate
};

struct nl_sample_header {
  uint32_t abi, size;
  uint32_t status;         ///< enum nl_status
  uint32_t metric_count, bucket_count;
  char reason[512];
  /// Behind the buckets of the handlers' calls: those from the intended instant of an arrival to
  /// its handler's end (open loop), and those from the handler's first instruction to its end.
  uint32_t intended_count, inside_count;
};

/// One measured value; its unit is in its name (`foreground_ns`, `handler_attempts`).
struct nl_metric {
  char name[48];
  uint64_t value;
  uint32_t source;         ///< enum nl_source
  /// counter.N: errno why perf gave no value; the value then comes from the fallback, and is
  /// none at all where `source` is still perf's.  0 elsewhere.
  uint32_t error;
};

/// A non-empty bucket of a latency histogram: values in [low, low + width) ns.
struct nl_bucket { uint64_t low_ns, width_ns, count; };

// Metrics of every sample (per process, summed over threads unless said otherwise; what is not
// there was not measured):
//   wall_ns              measured part, from the first thread's start to the last one's end
//                        (replay: summed over the passes, what is freed between them left out)
//   foreground_ns        sum over threads of each thread's own time in the measured part
//                        (handoff: over those that allocate, so that a pair's time counts once)
//   foreground_ticks     the same in ticks of the time stamp counter; tsc_hz: its frequency
//   cpu_ns               thread CPU time of the foreground threads in the measured part
//   operations           foreground operations done (pairs; replay: events)
//   iterations           per thread, as run (calibrated or given; the mean with minimum_ns);
//                        replay: passes
//   threads
//   allocated, freed, live, alloc_failed      the harness's own books, foreground + handlers, of
//                        the whole sample: warm-up and clean-up too; live is 0 in a good sample
//   measured_alloc_failed   NULLs of the foreground in the measured part
//   minor_faults, major_faults, voluntary_switches, involuntary_switches   foreground threads
//   core_round_trip_ns   two threads and more, pinned: a cache line from the first CPU to the second
//                        and back, right after the measured part; not there if only one CPU is
//   resident_before_bytes   after set-up and warm-up; resident_bytes: after the measured part
//   peak_resident_bytes  of the process so far (VmHWM)
//   stat.<name>          the subject's own counters (nolock_ops.stats): difference over the
//                        measured part for counters, the value at the end for _now and _max
// With interrupts, or with replay_contexts (all of the measured part):
//   handler_signals      handlers run; handler_requested: rate × time × threads, rounded
//   handler_coalesced    arrivals that had no signal of their own: one stood for several (timer,
//                        tgkill)
//   handler_sent         tgkill: signals sent
//                        (timer, perf, tgkill: of all sources; the others answer to no rate)
//   handler_masked       class hardirq: signals that were held off and sent again
//   handler_late_p50_ns, handler_late_p99_ns, handler_late_max_ns   timer, tgkill: from the intended
//                        instant (open loop) to the end of the handler, upper ends of buckets
//   handler_late         of them later than one period (Poisson: than the mean gap)
//   irq_perf_cycles      perf: 1 where the processor's cycles overflow, 0 where it is cpu-clock
//   probe.<point>        probe: handlers run at that point
//   handler_attempts = handler_first + handler_next_bucket + handler_failed (+ size 0 in a replay)
//   handler_freed        by kfree_nolock in handlers
//   handler_handed       objects a handler passed on, by turns to the next thread's foreground
//                        (kfree) and handler (kfree_nolock); one thread: to its own foreground
//   handler_bursts       of 64 objects
// With counters (N from 0, in the order of the plan entry; the measured part, foreground threads):
//   counter.N            the count, scaled by enabled / running of each thread
//   counter.N.enabled_ns, counter.N.running_ns   running below enabled: multiplexed
//   counter.N.overhead   what the readings themselves add to the count, at least
//   counter.N.T          thread T's own, from 0; and counter.N.T.enabled_ns, .running_ns
//   counter_read_ns      one reading of all counters of the first thread, the median of 33
// Counted (source step; `iterations` operations if that is above 1, else 1,000, after a warm-up as
// long; batch: whole batches; and stat.<name>):
//   step_instructions    of all counted calls; step_repeats: operations, pairs of calls
//   step_instructions_max_kmalloc, step_instructions_max_kfree   the largest of one call
//   pmu_instructions     the same number of calls once more, at full speed, by the processor's
//                        counter (the loop around them taken off), or its errno; .enabled_ns, .running_ns
//   pair: step_instructions_per_kmalloc, step_instructions_per_kfree, step_traps_per_kmalloc,
//   step_traps_per_kfree (of equal calls), step_distinct (different counts seen: 1)
// Handoff, replay:
//   remote_frees         frees by a thread that did not allocate the object
// Replay:
//   dropped_frees, early_frees                must be 0
//   zero_size_allocations   kmalloc(0) that gave NOLOCK_ZERO_SIZE_PTR: not in the books
//   handler_operations   events issued from a handler

// Swift imports arrays of this length as tuples; these give it pointers.
static inline const char *nl_plan_subject(const struct nl_plan_entry *p) { return p->subject; }
static inline const char *nl_plan_object_path(const struct nl_plan_entry *p) {
  return p->object_path;
}
static inline const char *nl_plan_trace_path(const struct nl_plan_entry *p) {
  return p->trace_path;
}
static inline const char *nl_plan_irq_function(const struct nl_plan_entry *p) {
  return p->irq_function;
}
static inline const uint32_t *nl_plan_mix(const struct nl_plan_entry *p) { return p->mix; }
static inline const uint32_t *nl_plan_handler_mix(const struct nl_plan_entry *p) {
  return p->handler_mix;
}
static inline const struct nl_counter *nl_plan_counters(const struct nl_plan_entry *p) {
  return p->counters;
}
static inline char *nl_header_reason(struct nl_sample_header *p) { return p->reason; }
static inline char *nl_metric_name(struct nl_metric *p) { return p->name; }
#endif
