// slab_address.h: addresses inside the structures, for Swift: a key path would call the runtime.
#ifndef NL_SLAB_ADDRESS_H
#define NL_SLAB_ADDRESS_H

#include "slab_tls.h"

#define NL_ADDRESS(owner, name, type, expression)                                              \
  NL_SIGNAL_SAFE static inline type *NL_NONNULL nl_##owner##_at_##name(                        \
      struct nl_##owner *NL_NONNULL o) {                                                       \
    return expression;                                                                         \
  }
#define NL_ADDRESS_INDEXED(owner, name, type, expression)                                      \
  NL_SIGNAL_SAFE static inline type *NL_NONNULL nl_##owner##_at_##name(                        \
      struct nl_##owner *NL_NONNULL o, long i) {                                               \
    return expression;                                                                         \
  }

typedef void *NL_NULLABLE nl_object;
typedef struct nl_slab *NL_NULLABLE nl_slab_link;
typedef uint16_t *NL_NULLABLE nl_page_view;

NL_ADDRESS_INDEXED(vcpu, counter, uint64_t, &o->counter[i])
NL_ADDRESS_INDEXED(vcpu, line, struct nl_line, &o->line[i])
NL_ADDRESS_INDEXED(vcpu, bucket, uint16_t, &o->bucket[i])
NL_ADDRESS_INDEXED(vcpu, bucket_accounted, uint16_t, &o->bucket_accounted[i])
NL_ADDRESS_INDEXED(vcpu, page_list, nl_slab_link, &o->page_list[i])
NL_ADDRESS_INDEXED(vcpu, page_count, uint32_t, &o->page_count[i])
NL_ADDRESS(vcpu, deferred, struct nl_deferred, &o->deferred)
NL_ADDRESS(vcpu, page_owner, uint32_t, &o->page_owner)
NL_ADDRESS(vcpu, users, uint32_t, &o->users)
NL_ADDRESS(line, owner, uint32_t, &o->owner)
NL_ADDRESS(instance, shared_vcpus, uint32_t, &o->shared_vcpus)
NL_ADDRESS(vcpu, deferred_slabs, struct nl_deferred, &o->deferred_slabs)
NL_ADDRESS(vcpu, flush_lock, uint8_t, &o->flush_lock)
NL_ADDRESS(vcpu, stock, uint64_t, &o->stock)
NL_ADDRESS_INDEXED(instance, counter, uint64_t, &o->counter[i])
NL_ADDRESS_INDEXED(instance, cache, struct nl_cache, &o->cache[i])
NL_ADDRESS_INDEXED(instance, zone, struct nl_zone, &o->zone[i])
NL_ADDRESS(instance, deferred, struct nl_deferred, &o->deferred)
NL_ADDRESS(instance, vcpu_free, uint64_t, &o->vcpu_free)
NL_ADDRESS(instance, vcpu_count, uint32_t, &o->vcpu_count)
NL_ADDRESS(instance, attaches, uint64_t, &o->attaches)
NL_ADDRESS(instance, pages_used, uint64_t, &o->pages_used)
NL_ADDRESS(instance, pages_used_max, uint64_t, &o->pages_used_max)
NL_ADDRESS(instance, page_limit, uint64_t, &o->page_limit)
NL_ADDRESS(instance, quota, uint64_t, &o->quota)
NL_ADDRESS(instance, quota_used, uint64_t, &o->quota_used)
NL_ADDRESS_INDEXED(instance, view, nl_page_view, &o->view[i])
NL_ADDRESS(instance, dirty, uint8_t, &o->dirty)
NL_ADDRESS(instance, started, uint32_t, &o->started)
NL_ADDRESS(instance, worker_state, uint32_t, &o->worker_state)
NL_ADDRESS(instance, worker_bell, uint32_t, &o->worker_bell)
NL_ADDRESS(instance, worker_tid, uint32_t, &o->worker_tid)
NL_ADDRESS(instance, worker_rounds, uint32_t, &o->worker_rounds)
NL_ADDRESS(instance, flush_wanted, uint32_t, &o->flush_wanted)
NL_ADDRESS(instance, flush_buffer, nl_object, o->flush_buffer)
NL_ADDRESS(cache, node, struct nl_node, &o->node)
NL_ADDRESS(cache, barn, struct nl_barn, &o->barn)
NL_ADDRESS(sheaf, size, uint32_t, &o->size)
NL_ADDRESS(barn, lock, struct nl_lock, &o->lock)
NL_ADDRESS(node, lock, struct nl_lock, &o->list_lock)
NL_ADDRESS(zone, lock, struct nl_lock, &o->lock)
NL_ADDRESS_INDEXED(zone, free, nl_slab_link, &o->free[i])
NL_ADDRESS(zone, parked, nl_object, (void **)&o->parked)
NL_ADDRESS(zone, stalled, nl_object, (void **)&o->stalled)
NL_ADDRESS(slab, word_lock, uint8_t, &o->word_lock)
NL_ADDRESS(slab, next, nl_object, (void **)&o->next)
NL_ADDRESS(slab, state, uint8_t, &o->state)
NL_ADDRESS(vcpu, next_free, uint32_t, &o->next_free)
NL_ADDRESS(deferred, stalled, nl_object, &o->stalled)
NL_ADDRESS(zone, carved_from_top, uint64_t, &o->carved_from_top)
NL_SIGNAL_SAFE static inline nl_object *NL_NONNULL nl_zone_at_reserve(
    struct nl_zone *NL_NONNULL zone, long order, long i) {
  return (void **)&zone->reserve[order][i];
}
NL_ADDRESS(track, state, uint8_t, &o->state)
NL_ADDRESS(track, link, nl_object, &o->link)
NL_ADDRESS(instance, report, struct nl_report, &o->report)
NL_ADDRESS(report, busy, uint8_t, &o->busy)
NL_ADDRESS(report, unwritten, uint8_t, &o->unwritten)
NL_ADDRESS(report, text, char, o->text)
NL_ADDRESS(deferred, head, nl_object, &o->head)
NL_ADDRESS(deferred, draining, uint8_t, &o->draining)

#endif
