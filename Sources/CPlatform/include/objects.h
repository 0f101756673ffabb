// objects.h: which shared object an address belongs to.
//
// Why C: dladdr and gnu_get_libc_version are declared only with _GNU_SOURCE.
#ifndef NL_OBJECTS_H
#define NL_OBJECTS_H

#include "compiler.h"

/// Start of the mapping of the object that holds `address`; NULL if no object does.
const void *NL_NULLABLE nl_object_base(const void *NL_NONNULL address);
/// The file of the object that holds `address`; NULL if none does.  Not thread-safe.
const char *NL_NULLABLE nl_object_path(const void *NL_NULLABLE address);
const char *NL_NONNULL nl_object_libc_version(void);

#endif
