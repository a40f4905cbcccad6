/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the kernel's counters to a profile: frames as they arrive through the ring, sums when a report is due. */
#ifndef ALLOCTRACE_TRACE_COLLECTOR_H
#define ALLOCTRACE_TRACE_COLLECTOR_H

#include "kern/kern.h"
#include "model/profile.h"
#include "proc/process.h"

/* A file's address for an offset in it; addr as it is where the module is no file. */
typedef uint64_t (*to_vaddr_fn)(void *arg, uint32_t module, uint64_t file_offset);

/* The vaddr of a probe's site. False: it is not known. */
typedef bool (*site_of_fn)(void *arg, uint32_t module, uint32_t probe, uint64_t *vaddr);

/* Whether code of a file is that of the allocator that its functions belong to. */
typedef bool (*is_allocator_fn)(void *arg, uint32_t module, uint64_t vaddr);

struct collector;
struct unwind;
struct kept;

/* Everything is borrowed. */
struct collector *collector_new(struct kern *kern, struct processes *processes, struct profile *profile, bool by_thread,
				to_vaddr_fn to_vaddr, is_allocator_fn is_allocator, site_of_fn site_of, void *arg);
void collector_free(struct collector *c);
/* Where stacks are unwound by tables: what to unwind those with that the BPF side could not. Borrowed. */
void collector_set_unwind(struct collector *c, struct unwind *unwind, size_t max_frames);

/* A stack's tag is of labels, not of a goroutine. */
void collector_set_by_label(struct collector *c);
/* There was no room for labels of a stack. */
bool collector_lost_labels(const struct collector *c);
/* What tells certain steps by frame pointer from others. Without it none is certain. Borrowed. */
void collector_set_kept(struct collector *c, struct kept *kept);

/* Whose a mapping is, by a frame of the stack that mapped it; the highest of all frames counts. */
enum map_owner {
	MAP_OF_PROGRAM,
	MAP_OF_THREAD,		/* one that the program makes, by pthread_create() of an allocator's library */
	MAP_OF_LIBC,		/* that has malloc: an allocator's, if it is not known who called it */
	MAP_OF_ITS_LIBRARY,	/* code of an allocator's library, which calls others for itself */
	MAP_OF_ALLOCATOR,	/* for its heap */
	MAP_OF_ANOTHER,		/* the event of a function that called the one that was seen (sbrk: brk) */
};

typedef enum map_owner (*map_owner_fn)(void *arg, uint32_t module, uint64_t vaddr);

/* kern_options.maps: what programs map is followed, too. */
void collector_follow_maps(struct collector *c, map_owner_fn owner);
/* What it has come to, as of the last collector_sums(). */
struct collected_maps {
	struct counters allocator;	/* what allocators mapped; */
	struct counters allocator_live;	/* and what of this is still mapped */
	uint64_t lost;			/* calls whose frames never arrived: in neither */
	uint64_t unfollowed;		/* mapped_unfollowed() */
};

struct collected_maps collector_maps(const struct collector *c);

/* Blocks of processes that were allocated before they execed, or exited, are no more. time_ns: when that was, or some
 * time after. Returns 0 or -errno after logging an error. */
int collector_end_blocks(struct collector *c, const struct ended_process *ended, size_t n, uint64_t time_ns);

/* Of a wide run (kern_options.wide), where stacks are of groups: what the collector can't know by itself. */
struct collector_wide {
	/* The process, with what it has mapped; NULL: it is gone. */
	struct process *(*process)(void *arg, pid_t pid);
	/* Whose stack it is: a task of the profile. */
	uint32_t (*task)(void *arg, const struct stack_frames *rec);
	void *arg;
};

/* Borrowed. */
void collector_set_wide(struct collector *c, const struct collector_wide *wide);

/* Takes the records out of the ring and keeps them raw. Returns 0 or -errno after logging an error. */
int collector_drain(struct collector *c);
/* Names the raw records' processes and modules; the process events up to now must have been handled before. */
void collector_resolve(struct collector *c);
struct collect_options {
	bool delta;	/* allocated and temporary: what came since the last call with delta, not all so far */
	bool blocks;	/* they are followed: there is more than PROFILE_ALLOC */
	bool ages;	/* go through all live blocks: PROFILE_LEAKS, generations, ages */
	uint64_t min_age_ns;	/* of what counts for PROFILE_LEAKS */
	uint32_t generation;	/* as of kern_mark() */
};

/* Sets the profile's counters to what the BPF side has counted. Returns 0 or -errno after logging an error. */
int collector_sums(struct collector *c, const struct collect_options *o);
/* Has a stack been recorded of a call of this module's functions? */
bool collector_saw_allocator(const struct collector *c, uint32_t module);
/* Calls whose frames never arrived, as of the last collector_sums(). */
uint64_t collector_lost(const struct collector *c);
/* Of these, those whose frames came, and found no memory. */
uint64_t collector_lost_room(const struct collector *c);
/* Frames per recorded call, on average; for the cost of a hit. */
double collector_mean_depth(const struct collector *c);

#endif
