#define _GNU_SOURCE
#include "objects.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <unistd.h>

const void *nl_object_base(const void *address) {
  Dl_info info;
  return dladdr(address, &info) ? info.dli_fbase : 0;
}

const char *nl_object_libc_version(void) { return gnu_get_libc_version(); }

const char *nl_object_path(const void *address) {
  static char own[4096];
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname) return 0;
  // The program's own name is what it was started by, perhaps not a path.
  if (info.dli_fname[0] == '/') return info.dli_fname;
  long length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length <= 0) return 0;
  own[length] = 0;
  return own;
}
