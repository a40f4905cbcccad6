/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes the breakpoints that forked children have inherited, in a thread of its own: kern_clean() waits for the
 * kernel, and a target may fork faster than that. Once for a file is enough for all children that there are by then.
 */
#ifndef ALLOCTRACE_TRACE_CLEANER_H
#define ALLOCTRACE_TRACE_CLEANER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/mem.h"
#include "kern/kern.h"

struct clean_file {
	int fd;			/* the caller's; it and the plan stay as long as the cleaner is busy */
	const struct plan *plan;
	bool *left_out;		/* as of kern_clean(); the cleaner's */
	vec_of(pid_t) pids;	/* children that may have the file; the first that is still there will do */
};

struct clean_files {
	vec_of(struct clean_file) all;
};

/* One more child: what is left out in one is left out in all. Takes left_out over. */
void clean_add(struct clean_file *f, const struct plan *plan, pid_t pid, bool *left_out);

struct cleaner;

struct cleaner *cleaner_new(struct kern *k);
/* Waits for what is under way. NULL is a no-op. */
void cleaner_free(struct cleaner *c);
/* False: the last batch is not done yet. */
bool cleaner_is_free(struct cleaner *c);
/* Cleans these; takes *files over, which is empty then. The cleaner must be free. */
void cleaner_start(struct cleaner *c, struct clean_files *files);

#endif
