/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report shows, and the table of formats that show it. A new format is one file and one row. */
#ifndef ALLOCTRACE_FORMAT_REPORT_H
#define ALLOCTRACE_FORMAT_REPORT_H

#include <stdio.h>

#include "base/rights.h"
#include "view/suppress.h"
#include "view/view.h"

struct report_count {
	const char *reason;	/* static */
	uint64_t n;		/* events */
};

/* What became of the calls that were seen: seen = recorded + filtered + unsampled + lost, or something is wrong. */
struct report_account {
	uint64_t seen, recorded, filtered, unsampled, lost;
	bool checked;		/* the two sides were read in one instant */
	uint64_t unaccounted;	/* by how much the two sides differ */
};

/* What following blocks tells. */
struct report_heap {
	uint64_t peak_bytes, peak_ns;	/* as sampled; when: since the start of the run */
	uint64_t frees, frees_unknown, replaced;	/* as in shared.h */
	uint64_t ended_blocks;		/* that were not freed, but ended with their process */
	uint64_t unfollowed;		/* recorded calls whose blocks are in no view but that of allocations */
	uint64_t min_age_ns, temp_age_ns;
	bool ended;			/* the command is over: what is live was never freed */
	const uint64_t *marks_ns;	/* since the start of the run */
	size_t n_marks;
};

/* Probes that were not there all the time (--max-overhead). */
struct report_windows {
	bool scaled;		/* they were not: everything is an estimate */
	uint64_t n;		/* times that they were, after the first */
	double share;		/* of the time that they were */
	const char *by;		/* what was counted meanwhile is scaled by this */
	bool at_least;		/* which makes all counters lower bounds */
	double error;		/* relative standard error of all counters for that; 0 for lower bounds */
	bool mixed;		/* the target may do other work meanwhile */
	double load;		/* CPUs that they took meanwhile */
	double slowdown;	/* how much less the target did meanwhile, which is made up for; 1: no less */
	double limit;		/* per cent */
};

/* Everything a renderer may show; filled by the command, borrowed by the renderer. */
struct report {
	const struct profile *profile;
	struct symbolizer *sym;
	const char *target;	/* "redis-server (pid 4711)", "3 processes", not escaped */
	const char *allocator;	/* "glibc 2.36", "jemalloc + glibc 2.36"; may be NULL */
	const char *gaps;	/* functions that may be called and are not traced, with reasons; NULL: none is known */
	uint64_t duration_ns;	/* that the counters cover */
	uint64_t interval;	/* which interval this is, from 1; 0: the final or only report */
	bool delta;		/* counters are of this interval alone */
	struct counters seen;	/* every call that reached a probe, nested ones left out */
	struct counters recorded;	/* of these what is in the profile; exact even if calls are sampled, but not if
					 * windows.scaled */
	struct report_account account;
	uint64_t sample_mean;	/* bytes from one sample to the next on average, as of now; below 2: every call */
	double sample_calls;	/* calls likewise, were there no bytes; 0: not sampled by calls */
	bool sample_auto;	/* they change while running */
	uint64_t exact_calls;	/* with sample_auto: so many at least were recorded before the first was not */
	struct report_heap heap;	/* only where a view needs blocks */
	const struct suppressions *suppressions;	/* NULL: none */
	uint64_t filtered;	/* left out by --min-size, --max-size */
	uint64_t failed;	/* calls that did not or, by their size, can not succeed */
	uint64_t nested;	/* allocator functions called by allocator functions: no event of their own */
	const struct report_count *losses;	/* by reason, only what is > 0 */
	size_t n_losses;
	uint64_t uncertain;	/* calls whose stacks have a "[?]" */
	const struct report_count *ends;	/* truncated stacks by reason (calls), only > 0 */
	size_t n_ends;
	struct report_windows windows;
	double cost_ns;		/* what tracing cost the target; 0: not measured */
	double hit_ns;		/* of that a probe hit, on average */
	uint64_t hits;
};

struct report_options {
	uint32_t views;	/* VIEW_BIT()s: at least one; for a machine format, one */
	const struct view_by *by;
	enum metric metric;
	bool cum;
	size_t top;	/* rows; 0: all */
	bool colour;
	size_t width;	/* columns; 0: not a terminal, as wide as it needs (at most 200) */
	size_t height;	/* lines to stay within, 0: no limit (a screen that is refreshed in place) */
	const char *list;	/* report_format_list: the functions, an extended regular expression that is valid */
	const struct rights *rights;	/* with which sources are read that are nowhere there */
	const char *const *source_path;	/* where sources are looked for, as sourcefile_open() takes it */
};

struct report_format {
	const char *name;	/* as --format takes it */
	const char *help;
	bool machine;		/* meant for programs: no summary in it; the summary goes to stderr */
	/* 0, or -errno of the stream. */
	int (*write)(FILE *f, const struct report *r, const struct report_options *o);
};

static inline const struct view_kind *report_only_view(const struct report_options *o)
{
	return &view_kinds[__builtin_ctz(o->views)];
}

/* Relative standard error of a metric of the profile; 0: exact. */
double report_error(const struct report *r, struct counters c, enum metric m);

/* Losses above this share make a report incomplete (exit status 4). */
#define REPORT_LOST_LIMIT 0.01
/* Of the calls that were to be counted, what was lost: 0 … 1. */
double report_lost_share(const struct report *r);

extern const struct report_format report_formats[];	/* ends with a NULL name */
/* What --list makes of a report; no row of the table, since it needs a function's name. */
extern const struct report_format report_format_list;
const struct report_format *report_format_find(const char *name);

/* The summary alone, as it stands above the table. */
void report_summary(FILE *f, const struct report *r, const struct report_options *o);

#endif
