#include "threads.h"

__thread void *nl_thread_block;
