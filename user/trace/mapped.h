/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs have mapped, by the stack that did it: the kernel's events (struct map_event) in the order in which
 * they were sent, and the ranges that are mapped by then.
 *
 * A range that munmap() gives up may be another thread's before its event is sent, which is after its return. So an
 * event takes only what was there when the call began.
 */
#ifndef ALLOCTRACE_TRACE_MAPPED_H
#define ALLOCTRACE_TRACE_MAPPED_H

#include "kern/kern.h"
#include "model/profile.h"

struct mapped;

struct mapped *mapped_new(void);
/* NULL is a no-op. */
void mapped_free(struct mapped *m);
void mapped_event(struct mapped *m, const struct map_event *ev);
/* The address spaces that these processes had before those times are no more. */
void mapped_end(struct mapped *m, const struct ended_process *ended, size_t n);
/* Calls back for each stack: what it has mapped so far, or since the last call with `delta`; and what of all that is
 * still mapped, in mappings of which anything is. */
void mapped_each(struct mapped *m, bool delta,
		 void (*on_stack)(void *arg, uint64_t id, struct counters mapped, struct counters live), void *arg);
/* Mappings of which it is not known what is still there, since there were too many at once or no memory; and of which
 * it could not be determined whether they are anonymous. */
uint64_t mapped_unfollowed(const struct mapped *m);

#endif
