/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes the breakpoints that forked children have inherited, in a thread of its own: to compare a child's code with
 * the files takes a while, kern_clean() waits for the kernel, and a target may fork faster than that. Once for a file
 * is enough for all children that there are by then.
 */
#ifndef ALLOCTRACE_TRACE_CLEANER_H
#define ALLOCTRACE_TRACE_CLEANER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/mem.h"
#include "kern/kern.h"
#include "kern/livecode.h"
#include "proc/process.h"

/* The children of one traced process. */
struct clean_set {
	pid_t traced;
	struct process process;		/* what it has mapped, as its children have; a copy */
	vec_of(struct livecode_file) files;	/* that have probes; `ours` is owned */
	vec_of(pid_t) pids;
};

struct clean_sets {
	vec_of(struct clean_set) all;
};

/* The set of a traced process, made where there is none: *is_new, and it is to be given its files. Valid until the next
 * one is made. */
struct clean_set *clean_set_of(struct clean_sets *sets, const struct process *traced, bool *is_new);
/* ours: by probe of the plan, which probes it has there; copied. The plan stays as long as the cleaner. */
void clean_set_file(struct clean_set *set, uint32_t module, const struct plan *plan, const bool *ours);
void clean_sets_free(struct clean_sets *sets);

/* What to remove from a file. */
struct clean_file {
	uint32_t module;
	const struct plan *plan;
	bool *left_out;		/* as of kern_clean() */
	vec_of(pid_t) pids;	/* children that may have it; the first that is still there will do */
};

struct clean_files {
	vec_of(struct clean_file) all;
};

/* Adds what the child has a copy of; what is left out in one child is left out in all. A child that is gone, or whose
 * memory cannot be read, adds nothing. */
void clean_compare(struct clean_files *files, const struct clean_set *set, pid_t child, const struct modules *ms);
void clean_files_free(struct clean_files *files);

struct cleaner;

struct cleaner *cleaner_new(struct kern *k);
/* Waits for what is under way. NULL is a no-op. */
void cleaner_free(struct cleaner *c);
/* False: the last batch is not done yet. */
bool cleaner_is_free(struct cleaner *c);
/* Cleans these; takes *sets over, which is empty then. The cleaner must be free. */
void cleaner_start(struct cleaner *c, struct clean_sets *sets, const struct modules *ms);
/* All probes go, and so do the copies: what is under way ends early. */
void cleaner_stop(struct cleaner *c);

#endif
