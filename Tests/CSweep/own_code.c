#define _GNU_SOURCE
#include "sweep.h"
#include <dlfcn.h>

int sweep_is_own_code(uintptr_t address) {
  Dl_info its, own;
  return dladdr((void *)address, &its) && dladdr((void *)sweep_is_own_code, &own) &&
         its.dli_fbase == own.dli_fbase;
}
