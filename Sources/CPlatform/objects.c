#define _GNU_SOURCE
#include "objects.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>

const void *nl_object_base(const void *address) {
  Dl_info info;
  return dladdr(address, &info) ? info.dli_fbase : 0;
}

const char *nl_object_libc_version(void) { return gnu_get_libc_version(); }
