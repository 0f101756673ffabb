// frozen.h: a thread stopped at one instruction boundary, while another works in the same cache.
#ifndef FROZEN_H
#define FROZEN_H

#include "boundaries.h"

/// In the trap handler: spins there until another thread has completed 100 nolock calls, and what
/// else `b` asks for.
void frozen_at(struct boundaries *b);
/// After the interrupted call has ended: the other thread frees what it holds and ends.  An
/// enum boundaries_finding.
int frozen_end(void);

#endif
