/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the code that a function may run leads, by calls and jumps, whatever their conditions: may it come to another
 * allocator function? What is not known to be harmless may.
 */
#ifndef ALLOCTRACE_PROBE_REACH_H
#define ALLOCTRACE_PROBE_REACH_H

#include "base/mem.h"
#include "probe/flow.h"

struct reach_result {
	/* By a call it may come to another known function (flow_add_function), or to code that is not known: another
	 * file's, or behind a pointer. */
	bool calls_out;
	bool jumps_out;		/* to unknown code by a jump: its own frame is gone then */
	bool jumps_known;	/* to a known function, likewise */
	vec_of(struct flow_range) parts;	/* its code, as far as jumps lead: [lo, hi), in order, apart */
};

struct reach;

/* ff stays the caller's, and outlives it. */
struct reach *reach_new(struct flow_file *ff);
void reach_free(struct reach *r);
/* What is found of other functions on the way is kept for the next call. */
void reach_function(struct reach *r, uint64_t vaddr, struct reach_result *out);
void reach_result_free(struct reach_result *r);

#endif
