/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was seen: a profile, its names, the facts of the run. It is filled from a run or read from a file, and it is all
 * that views and formats know; nothing changes it while it is shown, but for names that are looked up when asked for.
 */
#ifndef ALLOCTRACE_MODEL_RECORDING_H
#define ALLOCTRACE_MODEL_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/profile.h"
#include "model/symbol.h"

struct recording_count {
	const char *reason;	/* static */
	uint64_t n;		/* events */
};

/* What became of the calls that were seen: seen = recorded + filtered + unsampled + lost, or something is wrong. */
struct recording_account {
	uint64_t seen, recorded, filtered, unsampled, lost;
	bool checked;		/* the two sides were read in one instant */
	uint64_t unaccounted;	/* by how much the two sides differ */
};

/* What following blocks shows. */
struct recording_heap {
	uint64_t peak_bytes, peak_ns;	/* as sampled; when: since the start of the run */
	uint64_t frees, frees_unknown, replaced;	/* as in shared.h */
	uint64_t ended_blocks;		/* that were not freed, but ended with their process */
	uint64_t unfollowed;		/* recorded calls whose blocks are in no view but that of allocations */
	uint64_t min_age_ns, temp_age_ns;
	bool ended;			/* the command is over: what is live was never freed */
	const uint64_t *marks_ns;	/* since the start of the run */
	size_t n_marks;
};

/* What is live of Go: not counted by probes, but read from the sampled records of each process's runtime. */
struct recording_runtime {
	uint64_t records;	/* that were read; */
	uint64_t processes;	/* of so many */
	uint64_t rate;		/* bytes from one sample to the next on average; 0: processes differ */
	bool collected;		/* as of each process's latest garbage collection; not: as of now */
};

/* Allocations of Go code by samples that its runtime took, not by its calls. */
struct recording_sampler {
	uint64_t samples;
	uint64_t rate;		/* bytes from one to the next on average; 0: processes differ, or not known */
	uint64_t from_ns, until_ns;	/* of the run; 0: its start, its end */
	bool used;
};

/* Probes that were not there all the time (--max-overhead). */
struct recording_windows {
	bool scaled;		/* they were not: everything is an estimate */
	uint64_t n;		/* times that they were, after the first */
	double share;		/* of the time that they were */
	const char *by;		/* what was counted meanwhile is scaled by this */
	bool at_least;		/* which makes all counters lower bounds */
	double error;		/* relative standard error of all counters for that; 0 for lower bounds */
	bool mixed;		/* the target may do other work meanwhile: it waits less often */
	bool batched;		/* or reads other amounts at once */
	double load;		/* CPUs that they took meanwhile */
	double slowdown;	/* how much less the target did meanwhile, which is made up for; 1: no less */
	double limit;		/* per cent */
};

/* A run that processes join and leave: the whole host, children, whatever a filter selects. How many programs and
 * containers it has met is in the profile's tasks. */
struct recording_host {
	bool wide;		/* it was one; the rest is known */
	const char *selection;	/* "every process", "--comm nginx*, --container !web"; NULL: the target says it */
	uint64_t processes;	/* that have called an allocator function */
	uint64_t ended;		/* of these: that have exited, or execed into what is not selected */
	uint64_t others_hits;	/* probe hits of processes that are not selected */
	uint64_t undecided;	/* calls of processes whose cgroup's name was not known yet */
	uint64_t new_files;	/* files with an allocator that were first mapped meanwhile: of the first process that
				 * did, the first calls are missing */
	double cpus;		/* of the machine, where --max-overhead is a share of them all; else 0 */
};

/* Where what was counted is growth of resident memory at page faults. Bytes. */
struct recording_resident {
	bool used;		/* it is; the rest is known */
	uint64_t spaces;	/* address spaces */
	uint64_t unfollowed;	/* of which there were too many at once */
	int64_t start, end;	/* resident in all of them, by the kernel's own counters; each from and to when */
	uint64_t grown, shrunk;	/* meanwhile, by the processes themselves; */
	int64_t others;		/* by others, as reclaim; */
	int64_t off;		/* and while nothing was counted */
};

/* Where what programs map themselves is followed (PROFILE_MAPPED): what else was mapped, and what is missing. */
struct recording_mapped {
	bool used;		/* it is; the rest is known */
	uint64_t allocator_bytes, allocator_calls;	/* by allocators, for their heaps; */
	uint64_t allocator_live;	/* bytes of this that are still mapped */
	uint64_t lost;		/* calls that are in no counter, or whose mappings are */
	uint64_t unfollowed;	/* mappings of which it is not known what is left: in PROFILE_MAPPED alone */
};

/* A pattern of leaks that are not shown, and what it hides; each stack counts for the first pattern that matches. */
struct suppression {
	const char *pattern;	/* as in the file */
	struct counters hidden;
};

/* Everything is borrowed. */
struct recording {
	const struct profile *profile;
	/* The profile is a part of what was recorded, as chosen by "--focus parse": all there is, by enum profile_kind.
	 * NULL, both: it is all. */
	const struct counters *whole;
	const char *part;
	uint32_t views;		/* VIEW_BIT()s: what it can show (view/view.h) */
	uint64_t time_ns;	/* when it was taken, CLOCK_REALTIME; 0: not known */
	bool threads;		/* the threads of a process are told apart; */
	bool goroutines;	/* the goroutines of a Go program, */
	bool labels;		/* or their labels */
	bool unnamed;		/* frames are not to be named: it is done where it is read */
	const char *missing;	/* why all below but duration_ns and recorded is missing; NULL: it is there */
	struct names *names;
	const char *target;	/* "redis-server (pid 4711)", "3 processes", not escaped */
	const char *allocator;	/* "glibc 2.36", "jemalloc + glibc 2.36"; may be NULL */
	const char *gaps;	/* functions that may be called and are not traced, with reasons; NULL: none is known */
	uint64_t duration_ns;	/* that the counters cover */
	uint64_t ops;		/* operations that were done meanwhile, as the user says; 0: not known */
	uint64_t interval;	/* which interval this is, from 1; 0: the final or only report */
	bool delta;		/* counters are of this interval alone */
	struct counters seen;	/* every call that reached a probe, nested ones left out */
	struct counters recorded;	/* of these what is in the profile; exact even if calls are sampled, but not if
					 * windows.scaled, and with errors where Go's runtime samples */
	bool exact_total;	/* rows are estimates, recorded is not: also where the account is missing */
	struct recording_account account;
	uint64_t sample_mean;	/* bytes from one sample to the next on average, as of now; below 2: every call */
	double sample_calls;	/* calls likewise, were there no bytes; 0: not sampled by calls */
	bool sample_auto;	/* they change while running */
	uint64_t exact_calls;	/* with sample_auto: so many at least were recorded before the first was not */
	struct recording_heap heap;	/* only where a view needs blocks */
	struct recording_runtime runtime;	/* only where a view needs it */
	struct recording_sampler sampler;
	struct recording_resident resident;
	struct recording_mapped mapped;
	bool kernel;		/* what was counted is what the kernel allocates (--kernel) */
	bool by_usdt;		/* of processes that tell of their own samples (otel_memory), these were recorded; */
	uint64_t usdt_samples;	/* how many */
	const struct suppression *suppressions;
	size_t n_suppressions;
	uint64_t filtered;	/* left out by --min-size, --max-size */
	uint64_t failed;	/* calls that did not or, by their size, can not succeed */
	uint64_t nested;	/* allocator functions called by allocator functions: no event of their own */
	const struct recording_count *losses;	/* by reason, only what is > 0 */
	size_t n_losses;
	uint64_t uncertain;	/* calls whose stacks have a "[?]" */
	const struct recording_count *ends;	/* truncated stacks by reason (calls), only > 0 */
	size_t n_ends;
	struct recording_windows windows;
	struct recording_host host;
	double cost_ns;		/* what tracing cost the target; 0: not measured */
	double hit_ns;		/* of that a probe hit, on average */
	bool cost_is_all;	/* it would be more than the target's CPU time, and is that */
	uint64_t hits;
};

/* What is counted, in the singular. */
static inline const char *recording_event(const struct recording *r)
{
	return r->resident.used ? "fault" : "call";
}

/* Of all that was recorded, also where the profile is a part of it. */
static inline struct counters recording_total(const struct recording *r, enum profile_kind kind)
{
	return r->whole ? r->whole[kind] : profile_total(r->profile, kind);
}

/* Other formats count operations in 63 bits. */
#define RECORDING_OPS_MAX 1000000000000000ULL

/* Losses above this share make a report incomplete (exit status 4). */
#define RECORDING_LOST_LIMIT 0.01
/* Of the calls that were to be counted, what was lost: 0 … 1. */
double recording_lost_share(const struct recording *r);

#endif
