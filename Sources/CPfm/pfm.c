#include "pfm.h"

#if __has_include(<perfmon/pfmlib_perf_event.h>)

#include <dlfcn.h>
#include <perfmon/pfmlib_perf_event.h>
#include <string.h>

static struct {
  __typeof__(&pfm_initialize) initialize;
  __typeof__(&pfm_strerror) strerror;
  __typeof__(&pfm_get_os_event_encoding) encode;
  __typeof__(&pfm_get_pmu_info) pmu;
  __typeof__(&pfm_get_event_info) event;
  __typeof__(&pfm_get_event_next) next;
  __typeof__(&pfm_get_event_attr_info) attribute;
} pfm;

const char *nl_pfm_load(void) {
  if (pfm.initialize) return 0;
  void *library = dlopen("libpfm.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) return "no libpfm.so.4 (Debian package libpfm4)";
  pfm.strerror = dlsym(library, "pfm_strerror");
  pfm.encode = dlsym(library, "pfm_get_os_event_encoding");
  pfm.pmu = dlsym(library, "pfm_get_pmu_info");
  pfm.event = dlsym(library, "pfm_get_event_info");
  pfm.next = dlsym(library, "pfm_get_event_next");
  pfm.attribute = dlsym(library, "pfm_get_event_attr_info");
  __typeof__(&pfm_initialize) initialize = dlsym(library, "pfm_initialize");
  if (!initialize || !pfm.strerror || !pfm.encode || !pfm.pmu || !pfm.event || !pfm.next ||
      !pfm.attribute)
    return "libpfm.so.4 lacks a function of libpfm4";
  int error = initialize();
  if (error != PFM_SUCCESS) return pfm.strerror(error);
  pfm.initialize = initialize;
  return 0;
}

int32_t nl_pfm_encode(const char *name, struct nl_pfm_encoding *result) {
  struct perf_event_attr attr;
  pfm_perf_encode_arg_t argument;
  memset(&attr, 0, sizeof attr);
  memset(&argument, 0, sizeof argument);
  memset(result, 0, sizeof *result);
  argument.size = sizeof argument;
  argument.attr = &attr;
  int error = pfm.encode(name, PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &argument);
  if (error != PFM_SUCCESS) return error;
  result->type = attr.type;
  result->flags = (uint32_t)(attr.exclude_user | attr.exclude_kernel << 1 | attr.exclude_hv << 2 |
                             attr.exclude_host << 3 | attr.exclude_guest << 4 |
                             attr.precise_ip << 8);
  result->config = attr.config;
  result->config1 = attr.config1;
  result->config2 = attr.config2;
  result->event = argument.idx;
  return 0;
}

const char *nl_pfm_error(int32_t error) { return pfm.strerror(error); }
uint32_t nl_pfm_is_not_found(int32_t error) { return error == PFM_ERR_NOTFOUND; }

int32_t nl_pfm_pmu_count(void) { return PFM_PMU_MAX; }

uint32_t nl_pfm_pmu(int32_t number, struct nl_pfm_pmu *result) {
  pfm_pmu_info_t info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  if (pfm.pmu((pfm_pmu_t)number, &info) != PFM_SUCCESS) return 0;
  result->name = info.name;
  result->description = info.desc;
  result->first_event = info.nevents ? info.first_event : -1;
  result->counters = info.num_cntrs + info.num_fixed_cntrs;
  result->present = info.is_present;
  return 1;
}

uint32_t nl_pfm_event(int32_t index, struct nl_pfm_event *result) {
  pfm_event_info_t info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  if (pfm.event(index, PFM_OS_PERF_EVENT_EXT, &info) != PFM_SUCCESS) return 0;
  result->name = info.name;
  result->description = info.desc;
  result->pmu = (int32_t)info.pmu;
  result->attributes = info.nattrs;
  return 1;
}

int32_t nl_pfm_next_event(int32_t index) { return pfm.next(index); }

const char *nl_pfm_unit_mask(int32_t index, int32_t attribute) {
  pfm_event_attr_info_t info;
  memset(&info, 0, sizeof info);
  info.size = sizeof info;
  if (pfm.attribute(index, attribute, PFM_OS_PERF_EVENT_EXT, &info) != PFM_SUCCESS) return 0;
  return info.type == PFM_ATTR_UMASK ? info.name : 0;
}

#else

const char *nl_pfm_load(void) {
  return "built without perfmon/pfmlib_perf_event.h (Debian package libpfm4-dev)";
}
int32_t nl_pfm_encode(const char *name, struct nl_pfm_encoding *result) {
  (void)name, (void)result;
  return -1;
}
const char *nl_pfm_error(int32_t error) { return (void)error, nl_pfm_load(); }
uint32_t nl_pfm_is_not_found(int32_t error) { return (void)error, 0; }
int32_t nl_pfm_pmu_count(void) { return 0; }
uint32_t nl_pfm_pmu(int32_t number, struct nl_pfm_pmu *result) {
  return (void)number, (void)result, 0;
}
uint32_t nl_pfm_event(int32_t index, struct nl_pfm_event *result) {
  return (void)index, (void)result, 0;
}
int32_t nl_pfm_next_event(int32_t index) { return (void)index, -1; }
const char *nl_pfm_unit_mask(int32_t index, int32_t attribute) {
  return (void)index, (void)attribute, (const char *)0;
}

#endif
