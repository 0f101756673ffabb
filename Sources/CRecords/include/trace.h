// trace.h: the compact form of a kernel allocation trace, read by memory mapping.
//
// File: one `struct nl_trace_header`, then `cpu_count` streams of 8-byte events, one after the
// other in CPU order, each stream in the order of the recording.  Little endian.
// Every allocation has an id of its own (0, 1, 2, … in order of time), so a free names its
// allocation without any address, and a replayer needs one pointer slot per id.
#ifndef NL_TRACE_H
#define NL_TRACE_H

#include <stdint.h>

#define NL_TRACE_MAGIC 0x314543415254304eull  // "N0TRACE1" in memory
#define NL_TRACE_MAX_CPUS 256

struct nl_trace_header {
  uint64_t magic;
  uint32_t header_bytes;   ///< sizeof(struct nl_trace_header)
  uint32_t cpu_count;
  uint64_t allocation_count;  ///< ids are 0 ..< allocation_count
  uint64_t event_count;    ///< sum of stream_events
  uint64_t remote_frees;   ///< frees on a CPU other than the allocation's
  uint64_t local_frees;
  uint64_t live_at_end;    ///< allocations that the recording never frees
  // What the import saw and left out, so that `trace show` can say it of a compact file too:
  uint64_t null_frees;     ///< kfree(NULL): dropped
  uint64_t unknown_frees;  ///< of pointers allocated before the recording: dropped
  uint64_t garbage_lines;
  uint64_t duration_ns;    ///< first to last event of the recording
  uint64_t stream_events[NL_TRACE_MAX_CPUS];
};

// An event, from the low bits up: id 32 | size in bytes 24 (0 for frees) | op 2 | ZERO 1 |
// ACCOUNT 1 | context 3 | 1 reserved.
enum nl_trace_op { NL_TRACE_ALLOC = 0, NL_TRACE_FREE_LOCAL = 1, NL_TRACE_FREE_REMOTE = 2 };
enum nl_trace_context {
  NL_TRACE_TASK = 0, NL_TRACE_SOFTIRQ = 1, NL_TRACE_HARDIRQ = 2, NL_TRACE_NMI = 3,
  NL_TRACE_IRQS_OFF = 4, NL_TRACE_UNKNOWN = 5,  ///< perf script text carries no context
};
#define NL_TRACE_ID(e) ((uint32_t)(e))
#define NL_TRACE_SIZE(e) ((uint32_t)((e) >> 32) & 0xffffffu)
#define NL_TRACE_OP(e) ((uint32_t)((e) >> 56) & 3u)
#define NL_TRACE_IS_ZERO(e) ((uint32_t)((e) >> 58) & 1u)
#define NL_TRACE_IS_ACCOUNT(e) ((uint32_t)((e) >> 59) & 1u)
#define NL_TRACE_CONTEXT(e) ((uint32_t)((e) >> 60) & 7u)

static inline const uint64_t *nl_trace_stream_events(const struct nl_trace_header *h) {
  return h->stream_events;
}
#endif
