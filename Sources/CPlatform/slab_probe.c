#include "slab_probe.h"

nl_probe_function nl_probe_hook;
