/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goes on with a walk that the BPF side broke off at a mapping it did not know yet. */
/* Part of trace/collector.h. */
#ifndef ALLOCTRACE_TRACE_RAWWALK_H
#define ALLOCTRACE_TRACE_RAWWALK_H

#include "kern/tables.h"
#include "trace/collector.h"

struct rawwalk {
	struct unwind *unwind;
	const struct process *process;	/* whose mappings up to the time of the stack are known */
	const struct modules *modules;
	to_vaddr_fn to_vaddr;
	void *arg;
	size_t max_frames;
};

/* frames (room for max_frames) gets what raw->rec has and what follows, as the BPF side writes it; *n is how many.
 * Returns how it ended: enum walk_end, never WALK_RAW. */
enum walk_end rawwalk(const struct rawwalk *w, const struct stack_raw *raw, __u64 *frames, size_t *n);

#endif
