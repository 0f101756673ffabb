#define _GNU_SOURCE
#include "wrapped.h"
#include "slab_task.h"

static nl_call_allocate allocate_behind;
static nl_call_release release_behind;
static nl_boundary_visitor visit_behind;

void nl_wrapped_set(nl_call_allocate allocate, nl_call_release release, nl_boundary_visitor visit) {
  allocate_behind = allocate;
  release_behind = release;
  visit_behind = visit;
}

void *nl_masked_allocate(size_t size, uint32_t gfp, int32_t node) {
  uint32_t before = nl_task_enter(nl_task_context() | NL_CONTEXT_IRQS_OFF);
  void *object = allocate_behind(size, gfp, node);
  nl_task_enter(before);
  return object;
}

void nl_masked_release(void *object) {
  uint32_t before = nl_task_enter(nl_task_context() | NL_CONTEXT_IRQS_OFF);
  release_behind(object);
  nl_task_enter(before);
}

void *nl_stepped_allocate(size_t size, uint32_t gfp, int32_t node) {
  (void)gfp, (void)node;
  struct nl_call call = {.allocate = allocate_behind, .size = size};
  nl_call_step(&call, visit_behind, 0);
  return call.object;
}

void nl_stepped_release(void *object) {
  struct nl_call call = {.release = release_behind, .object = object};
  nl_call_step(&call, visit_behind, 0);
}
