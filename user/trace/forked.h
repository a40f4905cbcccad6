/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children of traced processes, which have the breakpoints of their parent until they exec, exit or are cleaned. Most
 * exec at once, which needs no cleaning: only those are, that live for a while without.
 */
#ifndef ALLOCTRACE_TRACE_FORKED_H
#define ALLOCTRACE_TRACE_FORKED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"

struct forked {
	pid_t pid, traced;	/* traced: the process that it, or a parent of it, was forked from */
	uint64_t since_ns;
};

/* Begins as zeroes. */
struct forked_list {
	vec_of(struct forked) all;
};

void forked_add(struct forked_list *l, pid_t pid, pid_t traced, uint64_t now_ns);
/* NULL if it is none. Valid until the next call. */
const struct forked *forked_find(const struct forked_list *l, pid_t pid);
/* Is there a child that has its probes? */
bool forked_any_of(const struct forked_list *l, pid_t traced);
/* It has execed or exited, or is no such child. */
void forked_drop(struct forked_list *l, pid_t pid);
/* Takes one out that is to be cleaned now; false: there is none. now_ns: CLOCK_MONOTONIC. */
bool forked_take(struct forked_list *l, uint64_t now_ns, struct forked *out);
void forked_free(struct forked_list *l);

#endif
