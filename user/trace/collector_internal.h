/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by collector.c and resolve.c only. */
/* Part of trace/collector.h. */
#ifndef ALLOCTRACE_TRACE_COLLECTOR_INTERNAL_H
#define ALLOCTRACE_TRACE_COLLECTOR_INTERNAL_H

#include "base/buf.h"
#include "trace/collector.h"
#include "trace/mapped.h"
#include "trace/sums.h"

#define ROOM_EVERY 1024	/* stacks between two looks at our memory */

/* What the last delta had seen. */
struct last_sums {
	struct counters alloc, temp;
};

struct collector {
	struct kern *kern;
	struct processes *processes;
	struct profile *profile;
	bool by_thread, by_label;
	bool labels_lost;		/* of a stack, for lack of room */
	struct u64map labels;		/* the kernel's keys of sets of labels -> their tags */
	to_vaddr_fn to_vaddr;
	is_allocator_fn is_allocator;
	site_of_fn site_of;
	const struct collector_wide *wide;	/* NULL: stacks are of processes */
	void *arg;
	struct buf raw;			/* struct stack_frames, each cut after its last frame */
	struct unwind *unwind;		/* NULL: no stack comes raw */
	size_t max_frames;
	struct kept *kept;
	struct u64map stack_of;		/* kernel's id -> stack of the profile */
	struct u64map no_room;		/* kernel's ids of stacks that came, and found no memory */
	uint64_t n_arrived;		/* records; */
	bool room;			/* there was memory for one when that was looked at last */
	struct u64map allocators;	/* modules whose functions were called */
	struct u64map lost_of;		/* the same for those without frames, as of the last collector_sums() */
	vec_of(struct last_sums) last;
	struct u64map last_of;		/* kernel's id -> index in last */
	vec_of(struct ended) ended;
	struct u64map ended_of;		/* kernel's id -> index in ended */
	uint64_t ending_ns;		/* of the run of collector_end_blocks() under way */
	struct mapped *mapped;		/* NULL: it is not asked for */
	map_owner_fn map_owner;
	struct u64map owner_of;		/* kernel's id of a stack that maps -> enum map_owner */
	struct collected_maps maps;
	/* Of the run of collector_sums() under way: */
	const struct collect_options *options;
	struct heap heap;
	struct blocks blocks;
	uint64_t lost, lost_room, calls, frames;	/* of the last run of collector_sums() */
};

/* Bytes of a record of the ring, with what follows its beginning. */
size_t collector_record_size(const struct stack_frames *rec);

#endif
