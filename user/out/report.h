/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report shows, and the table of formats that show it. A new format is one file and one row. */
#ifndef ALLOCTRACE_OUT_REPORT_H
#define ALLOCTRACE_OUT_REPORT_H

#include <stdio.h>

#include "view/view.h"

struct report_count {
	const char *reason;	/* static */
	uint64_t n;		/* events */
};

/* Everything a renderer may show; filled by the command, borrowed by the renderer. */
struct report {
	const struct profile *profile;
	struct symbolizer *sym;
	const char *target;	/* "redis-server (pid 4711)", "3 processes", not escaped */
	const char *allocator;	/* "glibc 2.36", "jemalloc + glibc 2.36"; may be NULL */
	uint64_t duration_ns;	/* that the counters cover */
	uint64_t interval;	/* which interval this is, from 1; 0: the final or only report */
	bool delta;		/* counters are of this interval alone */
	struct counters seen;	/* every call that reached a probe, nested ones left out */
	struct counters recorded;	/* what the profile holds */
	uint64_t filtered;	/* left out by --min-size, --max-size */
	uint64_t failed;	/* size overflow in calloc, reallocarray: the call cannot succeed */
	uint64_t nested;	/* allocator functions called by allocator functions: no event of their own */
	const struct report_count *losses;	/* by reason, only what is > 0 */
	size_t n_losses;
	const struct report_count *ends;	/* truncated stacks by reason (calls), only > 0 */
	size_t n_ends;
	double hit_ns;		/* calibrated cost of one probe hit; 0: not measured */
	uint64_t hits;
};

struct report_options {
	const struct view_by *by;
	enum metric metric;
	bool cum;
	size_t top;	/* rows; 0: all */
	bool colour;
	size_t width;	/* columns; 0: not a terminal, as wide as it needs (at most 200) */
	size_t height;	/* lines to stay within, 0: no limit (a screen that is refreshed in place) */
	const char *list;	/* report_format_list: the functions, an extended regular expression that is valid */
	const char *const *source_path;	/* where sources are looked for, as sourcefile_open() takes it */
};

struct report_format {
	const char *name;	/* as --format takes it */
	const char *help;
	bool machine;		/* meant for programs: no summary in it; the summary goes to stderr */
	/* 0, or -errno of the stream. */
	int (*write)(FILE *f, const struct report *r, const struct report_options *o);
};

extern const struct report_format report_formats[];	/* ends with a NULL name */
/* What --list makes of a report; no row of the table, since it needs a function's name. */
extern const struct report_format report_format_list;
const struct report_format *report_format_find(const char *name);

/* The summary alone, as it stands above the table. */
void report_summary(FILE *f, const struct report *r, const struct report_options *o);

#endif
