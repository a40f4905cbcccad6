/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A part of a recording, chosen by names as pprof does it: which stacks are kept, and which of their frames. What is
 * chosen is a recording again, for any view and format.
 *
 * A regular expression (POSIX, extended) matches a function if it does any part of its name, of its source file's path,
 * or of its module's name.
 */
#ifndef ALLOCTRACE_VIEW_FILTER_H
#define ALLOCTRACE_VIEW_FILTER_H

#include "model/recording.h"

/* NULL: not asked for. */
struct filter_options {
	const char *focus, *ignore;	/* stacks with a function that matches are kept, are left out */
	const char *show, *hide;	/* functions that match are kept, are left out of their stacks */
	const char *show_from;	/* stacks begin at the outermost frame with one that matches; others are left out */
	/* "KEY=REGEX", "REGEX" (any key), "bytes=1k:64k": stacks with such a label are kept, are left out. Keys are
	 * allocator, program, container, user, cgroup, pid, tid, goroutine; bytes is the mean of a stack's calls. */
	const char *tag_focus, *tag_ignore;
};

struct filter;

/* Whether any of them is asked for. */
bool filter_is_any(const struct filter_options *o);
/* What is wrong with the options; NULL: nothing. To be freed. */
char *filter_error(const struct filter_options *o);
/* Of what filter_error() finds nothing wrong with. r is borrowed, and looked up names of. */
struct filter *filter_new(const struct filter_options *o, const struct recording *r);
/* What was chosen; recording.whole has what it is a part of. Valid as long as f. */
const struct recording *filter_recording(const struct filter *f);
/* NULL is a no-op. */
void filter_free(struct filter *f);

#endif
