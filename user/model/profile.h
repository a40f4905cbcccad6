/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile: what was recorded, by stack. Stacks are paths in a prefix tree (a node is {parent, frame}), so that
 * 150,000 stacks of 39 frames are a few MB; frames, threads and stacks are interned and have dense ids.
 *
 *   frame   (module, address)                     e.g. libc.so.6 0x9d4c3
 *   task    (pid, tid, exec)                      tid 0: the whole process
 *   stack   (task, allocator function, tree node, how the walk ended)
 */
#ifndef ALLOCTRACE_MODEL_PROFILE_H
#define ALLOCTRACE_MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/module.h"

struct counters {
	uint64_t bytes, calls;
};

static inline struct counters counters_add(struct counters a, struct counters b)
{
	return (struct counters){a.bytes + b.bytes, a.calls + b.calls};
}

/* a - b, where b is an earlier reading of the same counters. */
static inline struct counters counters_sub(struct counters a, struct counters b)
{
	return (struct counters){a.bytes - b.bytes, a.calls - b.calls};
}

static inline bool counters_none(struct counters c)
{
	return !c.bytes && !c.calls;
}

/* How a stack walk ended. More kinds come with more ways to unwind; stack_end_text() names each. */
enum stack_end {
	STACK_END_COMPLETE,	/* reached the thread's first frame */
	STACK_END_CHAIN,	/* the frame-pointer chain ended (code without them, or the outermost frame) */
	STACK_END_DEPTH,	/* the depth limit */
	STACK_END_UNREADABLE,	/* stack memory that could not be read */
	STACK_END_NOT_CODE,	/* a return address outside executable memory: cut before it */
	STACK_END_LOST,		/* counted, but its frames never arrived: one stack per task holds them */
	STACK_END_JIT,		/* code of no file (a JIT's), whose frame pointer leads nowhere */
	STACK_END_NO_RULE,	/* code of a file, but without unwind information */
	STACK_END_UNSUPPORTED,	/* unwind information that can't be followed */
	STACK_END_UNMAPPED,	/* an address outside every mapping known at that time */
	STACK_END_MAX,
};

/* "complete", "depth limit", …. stack_end_mark() is what stands in for the missing outer frames: "[truncated: depth
 * limit]", for LOST "[stack not delivered]"; NULL where nothing is due (COMPLETE and CHAIN). */
const char *stack_end_text(enum stack_end end);
const char *stack_end_mark(enum stack_end end);

struct profile_frame {
	uint32_t module;
	uint64_t addr;	/* of the call's last byte (return address - 1): in the caller, whatever follows the call */
};

struct profile_task {
	uint32_t pid, tid;
	uint32_t exec;	/* how often the process had execed: another program, under another name */
	const char *name;
};

struct profile_node {
	uint32_t parent;	/* node 0 is the root, and its own parent; for others parent < node */
	uint32_t frame;
};

struct profile_stack {
	uint32_t task;
	uint32_t node;		/* of the innermost frame: the caller of the allocator function */
	uint16_t function;	/* id of the allocator function (alloc_function()) */
	uint8_t end;		/* enum stack_end */
	struct counters sum;
};

/* Finds what is interned: open addressing, id + 1 in each slot, 0 in an empty one; the keys are in the arrays. */
struct id_table {
	uint32_t *slots;
	size_t mask;
};

struct profile {
	struct modules *modules;	/* borrowed */
	vec_of(struct profile_frame) frames;
	vec_of(struct profile_task) tasks;
	vec_of(struct profile_node) nodes;
	vec_of(struct profile_stack) stacks;
	const char *const *function_names;	/* by function id, as shown; borrowed */
	size_t n_functions;
	struct id_table frame_ids, task_ids, node_ids, stack_ids;
	struct strpool names;
};

void profile_init(struct profile *p, struct modules *modules, const char *const *function_names, size_t n_functions);
void profile_free(struct profile *p);

/* Finds or adds; a task that is there takes the new name. */
uint32_t profile_task(struct profile *p, uint32_t pid, uint32_t tid, uint32_t exec, const char *name);
uint32_t profile_frame(struct profile *p, uint32_t module, uint64_t addr);
/* frames: innermost (the caller of the allocator function) first, n of them, 0 allowed. Returns the stack's id, found
 * or added with zero counters. */
uint32_t profile_stack(struct profile *p, uint32_t task, uint16_t function, const uint32_t *frames, size_t n,
		       enum stack_end end);
void profile_add(struct profile *p, uint32_t stack, struct counters c);
/* Sets every counter to 0; ids stay. */
void profile_reset(struct profile *p);
struct counters profile_total(const struct profile *p);
/* Writes the stack's frame ids, innermost first, at most max; returns how many it has. */
size_t profile_stack_frames(const struct profile *p, uint32_t stack, uint32_t *frames, size_t max);
/* Bytes of memory held, for -v. */
size_t profile_memory(const struct profile *p);

#endif
