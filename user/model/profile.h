/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The profile: what was recorded, by stack. Stacks are paths in a prefix tree (a node is {parent, frame}), so that
 * 150,000 stacks of 39 frames are a few MB; frames, threads and stacks are interned and have dense ids.
 *
 *   frame   (module, address)                     e.g. libc.so.6 0x9d4c3; or who made the goroutine, as the last one
 *   task    (pid, tid, exec, exe, user, …)        tid 0: the whole process; pid 0: all processes of a program
 *   type    (module, address) or (name)           Go: what was asked for; id 0: not told, as in C; kernel: slab cache
 *   tag     (goroutine) or (labels)               Go, if asked for: on whose behalf; id 0: not known
 *   stack   (task, allocator function, type, tag, tree node, how the walk ended)
 */
#ifndef ALLOCTRACE_MODEL_PROFILE_H
#define ALLOCTRACE_MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/mem.h"
#include "model/module.h"

/* Estimates where calls were sampled; then the variances say how good they are. */
struct counters {
	uint64_t bytes, calls;
	double bytes_var, calls_var;	/* 0: exact */
};

static inline struct counters counters_add(struct counters a, struct counters b)
{
	return (struct counters){a.bytes + b.bytes, a.calls + b.calls, a.bytes_var + b.bytes_var,
				 a.calls_var + b.calls_var};
}

/* a - b, where b is a part of a: an earlier reading, or what was given up of it. Never below 0: while the BPF side
 * counts, the two are not read in one instant. */
static inline struct counters counters_sub(struct counters a, struct counters b)
{
	return (struct counters){a.bytes > b.bytes ? a.bytes - b.bytes : 0, a.calls > b.calls ? a.calls - b.calls : 0,
				 a.bytes_var > b.bytes_var ? a.bytes_var - b.bytes_var : 0,
				 a.calls_var > b.calls_var ? a.calls_var - b.calls_var : 0};
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
	uint32_t module;	/* MODULE_UNCERTAIN: a gap, "[?]" */
	bool creator;	/* no caller, but the `go` statement that made the goroutine: "created by main.main" */
	uint64_t addr;	/* of the call's last byte (return address - 1): in the caller, whatever follows the call */
};

/* Who allocates. Where the whole host is traced, processes are not told apart unless that is asked for. */
struct profile_task {
	uint32_t pid, tid;	/* pid 0: all processes of the program; tid 0: all threads */
	uint32_t exec;	/* how often the process had execed: another program, under another name */
	const char *name;	/* the thread's or the program's (comm) */
	/* NULL: it is not known, or there is none. */
	const char *exe;	/* path of the executable */
	const char *user;	/* "www-data", or a number as text */
	const char *cgroup;	/* path: "/system.slice/nginx.service" */
	const char *container;	/* as people know it: "docker:web", "podman:1f2e3d4c5b6a", "nspawn:deb" */
	uint32_t inner_pid;	/* as its own PID namespace counts; 0: the same, or not known */
};

struct profile_node {
	uint32_t parent;	/* node 0 is the root, and its own parent; for others parent < node */
	uint32_t frame;
};

/* The address is the one of its description, as the file's headers count; 0: memory without pointers, whose type Go
 * does not tell the allocator. Of the kernel's memory, the slab cache or kind of pages, by name. */
struct profile_type {
	uint32_t module;
	uint64_t addr;
	const char *name;	/* NULL: it is to be found by the address */
};

/* Part of a stack's identity only where it was asked for. */
struct profile_tag {
	uint64_t goroutine;	/* its number; 0: the runtime's own work, for none */
	/* By label: "key\x1fvalue\x1e" of each, escaped, in the order of keys; "" for none. NULL: it is a goroutine. */
	const char *labels;
};

#define PROFILE_LABEL_IS '\x1f'
#define PROFILE_LABEL_END '\x1e'

struct profile_stack {
	uint32_t task;
	uint32_t type;
	uint32_t tag;
	uint32_t node;		/* of the innermost frame: the caller of the allocator function */
	uint16_t function;	/* id of the allocator function (alloc_function()) */
	uint8_t end;		/* enum stack_end */
};

#define PROFILE_GENERATIONS 8

/* What is counted of each stack. What is not counted takes no memory. */
enum profile_kind {
	PROFILE_ALLOC,
	PROFILE_FREED,		/* of what was allocated */
	PROFILE_LIVE,
	PROFILE_LEAKS,		/* live for longer than asked for */
	PROFILE_SUPPRESSED,	/* these too, but they are not to be shown */
	PROFILE_PEAK,		/* live when the heap was at its highest */
	PROFILE_TEMP,		/* freed soon after they were allocated */
	PROFILE_MARKED,		/* live, and allocated since the first of the generations below */
	PROFILE_GENERATION,	/* live, by generation: the latest ones, from profile.first_generation on */
	/* Allocated since its process began, as its runtime's own records say (Go): these stacks have PROFILE_LIVE and
	 * PROFILE_LEAKS from there as well, and nothing of the others. */
	PROFILE_RUNTIME = PROFILE_GENERATION + PROFILE_GENERATIONS,
	/* Not of any heap: these stacks have nothing of the others, and no others these. */
	PROFILE_MAPPED,		/* by the program itself */
	PROFILE_MAPPED_LIVE,	/* of this what is still mapped */
	PROFILE_KINDS,
};

/* Histograms by powers of two: bucket 0 is the value 0, bucket b is 2^(b-1) … 2^b - 1. */
enum profile_hist {
	PROFILE_SIZES,		/* bytes of an allocation */
	PROFILE_LIFETIMES,	/* ns from a block's allocation to its free */
	PROFILE_HISTS,
};

#define PROFILE_BUCKETS 65

struct profile_bucket {	/* a stack may have several of the same number, which add up */
	uint32_t stack;
	uint8_t bucket;
	double calls;
};

/* How many earlier readings of what is live are kept, to tell what grows. */
#define PROFILE_PAST 10

struct profile_past {	/* of one kind of live blocks */
	struct {
		uint64_t *bytes;	/* by stack */
		size_t n;
	} at[PROFILE_PAST];	/* 0: the latest */
};

/* Of how many intervals of a run what was allocated in each is kept. Beyond that, or of more sums than that, every two
 * that follow each other become one, and those that come take as many intervals as these. */
#define PROFILE_PARTS 512
#define PROFILE_PART_SUMS ((size_t)1 << 20)

struct profile_part_sum {
	uint32_t stack;
	struct counters alloc;
};

struct profile_part {	/* an interval, or several; the first begins with the run, others where the one before ends */
	uint64_t until_ns;	/* since the start of the run */
	struct counters recorded;	/* as in struct recording */
	vec_of(struct profile_part_sum) sums;	/* of stacks that allocated; one may be there twice */
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
	vec_of(struct profile_type) types;
	vec_of(struct profile_tag) tags;
	vec_of(struct profile_node) nodes;
	vec_of(struct profile_stack) stacks;
	vec_of(struct counters) sums[PROFILE_KINDS];	/* by stack; may be shorter: profile_sum() */
	vec_of(uint64_t) oldest_ns;	/* by stack, likewise: when its oldest live block was allocated; 0: none */
	uint64_t now_ns;		/* when that was read; CLOCK_MONOTONIC both */
	uint32_t first_generation, generations;	/* numbers of the first in sums, and how many; 0: no mark was set */
	vec_of(struct profile_bucket) hists[PROFILE_HISTS];
	uint64_t ended_blocks;	/* of PROFILE_FREED: those that nobody freed, for their process has ended or execed */
	struct profile_past past_live, past_leaks;
	size_t n_past;
	vec_of(struct profile_part) parts;
	vec_of(struct counters) parted;	/* by stack: what the parts have of it, in all */
	struct counters parted_recorded;
	uint32_t joined, in_last;	/* intervals of a part, less one; and those that the last one has */
	const char *const *function_names;	/* by function id, as shown; borrowed */
	size_t n_functions;
	struct id_table frame_ids, task_ids, type_ids, tag_ids, node_ids, stack_ids;
	struct strpool names;
};

void profile_init(struct profile *p, struct modules *modules, const char *const *function_names, size_t n_functions);
void profile_free(struct profile *p);

/* Finds or adds what has the same pid, tid, exec, exe, user, cgroup and container, and where pid is 0, the same name; a
 * task that is there takes the new name, and the inner pid where there is one. Texts are copied; "" is as NULL. */
uint32_t profile_task_like(struct profile *p, const struct profile_task *like);
/* The same of a task of which no more is known. */
uint32_t profile_task(struct profile *p, uint32_t pid, uint32_t tid, uint32_t exec, const char *name);
uint32_t profile_frame(struct profile *p, uint32_t module, uint64_t addr);
uint32_t profile_creator(struct profile *p, uint32_t module, uint64_t addr);
uint32_t profile_type(struct profile *p, uint32_t module, uint64_t addr);
uint32_t profile_type_named(struct profile *p, const char *name);
uint32_t profile_goroutine(struct profile *p, uint64_t number);
/* text: as in struct profile_tag; copied. */
uint32_t profile_labels(struct profile *p, const char *text);
/* Goes through the labels of such a text: the next one from *at on, which is advanced. False: there is none. */
struct profile_label {
	const char *key, *value;	/* not NUL-terminated */
	size_t key_len, value_len;
};

bool profile_next_label(const char **at, struct profile_label *l);
/* frames: innermost (the caller of the allocator function) first, n of them, 0 allowed. Returns the stack's id, found
 * or added with zero counters. */
uint32_t profile_stack(struct profile *p, uint32_t task, uint16_t function, const uint32_t *frames, size_t n,
		       enum stack_end end);
/* The same with all that a stack has: `like` is it but for the node. */
uint32_t profile_stack_like(struct profile *p, struct profile_stack like, const uint32_t *frames, size_t n);
/* Valid until the next call for that kind. */
struct counters *profile_at(struct profile *p, enum profile_kind kind, uint32_t stack);
void profile_add(struct profile *p, enum profile_kind kind, uint32_t stack, struct counters c);
void profile_add_hist(struct profile *p, enum profile_hist hist, uint32_t stack, unsigned int bucket, double calls);
/* time_ns: of a live block; the least one stays. */
void profile_add_age(struct profile *p, uint32_t stack, uint64_t time_ns);
/* Sets every counter to 0 and forgets ages and histograms; ids, the past and the parts stay. */
void profile_reset(struct profile *p);
/* Makes `to` equal to `from`, but for its modules, its function names, its past and its parts, and for what finds ids:
 * nothing can be added to it. Names of tasks are borrowed. Ids are the same in both, and what has one never changes:
 * only what came since the last time is copied, beside the counters. `to` is a copy of the same profile, or as
 * profile_init() makes it. */
void profile_follow(struct profile *to, const struct profile *from);
/* Likewise, but without a copy: `from` is empty then. */
void profile_move(struct profile *to, struct profile *from);
/* Makes what is live now the latest of the past. */
void profile_remember(struct profile *p);
/* Ends an interval of the run: what was allocated since the one before is a part. `alone`: the counters, and recorded,
 * are of this interval; else of the run so far. */
void profile_end_part(struct profile *p, uint64_t until_ns, struct counters recorded, bool alone);
void profile_forget_parts(struct profile *p);
struct counters profile_total(const struct profile *p, enum profile_kind kind);

static inline struct counters profile_sum(const struct profile *p, enum profile_kind kind, uint32_t stack)
{
	return stack < p->sums[kind].n ? p->sums[kind].at[stack] : (struct counters){0, 0, 0, 0};
}

static inline uint64_t profile_oldest(const struct profile *p, uint32_t stack)
{
	return stack < p->oldest_ns.n ? p->oldest_ns.at[stack] : 0;
}

/* Bytes that the stack had at an earlier reading (0: the latest) of PROFILE_LIVE or PROFILE_LEAKS. */
static inline uint64_t profile_past(const struct profile *p, enum profile_kind kind, size_t back, uint32_t stack)
{
	const struct profile_past *past = kind == PROFILE_LEAKS ? &p->past_leaks : &p->past_live;

	return stack < past->at[back].n ? past->at[back].bytes[stack] : 0;
}

/* Writes the stack's frame ids, innermost first, at most max; returns how many it has. */
size_t profile_stack_frames(const struct profile *p, uint32_t stack, uint32_t *frames, size_t max);
/* Who is in a profile. Two tasks of a pid are of one process if exec and exe are the same. */
struct profile_members {
	/* By task: which one its process goes by (the first thread's, if there is that); itself where pid is 0. */
	uint32_t *leaders;
	/* Names of processes, and containers, of tasks that have stacks. */
	size_t programs, containers;
	bool outside;	/* tasks that are in no container have stacks, too */
};

void profile_members_make(const struct profile *p, struct profile_members *out);
void profile_members_free(struct profile_members *m);
/* Orders two tasks by numbers, then by texts; 0: they are the same. */
int profile_compare_tasks(const struct profile *p, uint32_t a, uint32_t b);
/* Orders two tags: what is not known first, goroutines by number, labels by their text. */
int profile_compare_tags(const struct profile *p, uint32_t a, uint32_t b);
/* Orders two stacks by what they are, not by their ids: by their frames from the innermost one (module path, build ID
 * if it is known, address), the shorter one first; then by the allocator function's name, by how they end, by their
 * tasks, types, tags. Returns less than 0 if a comes first, 0 if they differ in nothing that is shown. For ties: it may
 * walk both stacks to their ends. */
int profile_compare_stacks(const struct profile *p, uint32_t a, uint32_t b);

#endif
