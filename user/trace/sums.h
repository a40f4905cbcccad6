/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the kernel's numbers to the profile's: sums, live blocks, histograms. */
#ifndef ALLOCTRACE_TRACE_SUMS_H
#define ALLOCTRACE_TRACE_SUMS_H

#include "kern/kern.h"
#include "model/profile.h"

struct counters counters_of_sum(const struct sum *s);
/* a - b, never below 0: see counters_sub(). */
struct sum sum_sub(const struct sum *a, const struct sum *b);
/* Blocks of one stack that ended with their process, or by its exec: the BPF side does not know. */
struct ended {
	struct sum sum;
	uint64_t time_ns;	/* when */
};

void ended_add(struct ended *e, const struct block *block);
/* What was live at the heap's peak: sum->peak if the BPF side has brought it up to that peak; else what was live
 * since the stack's last event, which was before the peak. */
struct sum sum_at_peak(const struct stack_sum *sum, const struct ended *ended, const struct heap *heap);

/* The live blocks by stack: the age of the oldest, those that are old enough to be leaks, and generations. */
struct blocks {
	struct profile *profile;
	uint64_t now_ns;
	uint64_t min_age_ns;	/* of a leak */
	uint32_t generation;	/* the newest: how many marks were set */
};

/* Before the first block. */
void blocks_begin(const struct blocks *b);
void blocks_add(const struct blocks *b, uint32_t stack, const struct block *block);
/* After the last one: the sums are not valid before. */
void blocks_end(const struct blocks *b);

#endif
