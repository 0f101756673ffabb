#define _GNU_SOURCE
#include "sweep.h"
#include <dlfcn.h>

const char *nl_symbol_of(uintptr_t address) {
  Dl_info info;
  return dladdr((void *)address, &info) ? info.dli_sname : NULL;
}
