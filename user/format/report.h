/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report shows, and the table of formats that show it. A new format is one file and one row. */
#ifndef ALLOCTRACE_FORMAT_REPORT_H
#define ALLOCTRACE_FORMAT_REPORT_H

#include <stdio.h>

#include "base/rights.h"
#include "model/recording.h"
#include "view/view.h"

struct report_options {
	uint32_t views;	/* VIEW_BIT()s: at least one; for a machine format, one */
	const struct view_by *by;
	const struct view_by *then;	/* inside of each row; NULL: there is one grouping */
	enum metric metric;
	bool cum;
	size_t top;	/* rows; 0: all */
	bool colour;
	size_t width;	/* columns; 0: not a terminal, as wide as it needs (at most 200) */
	size_t height;	/* lines to stay within, 0: no limit (a screen that is refreshed in place) */
	const struct recording *base;	/* what it is compared with, by formats that can; NULL: nothing */
	/* report_format_peek: the functions, likewise, of which callers or callees alone are shown; NULL: the tree */
	const char *peek;
	bool callers, callees;
	const char *list;	/* report_format_list: the functions, an extended regular expression that is valid */
	const struct rights *rights;	/* with which sources are read that are nowhere there */
	const char *const *source_path;	/* where sources are looked for, as sourcefile_open() takes it */
};

struct report_format {
	const char *name;	/* as --format takes it */
	const char *help;
	/* 0, or -errno of the stream. */
	int (*write)(FILE *f, const struct recording *r, const struct report_options *o);
	enum view_form form;	/* what it writes of a view; those that have no such form are refused */
	bool machine;		/* meant for programs: no summary in it; the summary goes to stderr */
	bool binary;		/* nothing for a terminal */
	bool one_view;		/* has room for one view */
	bool compares;		/* can show how a recording differs from another one */
	bool facts;		/* has what the summary says: none is written beside it */
	bool lines;		/* a report is a line: those of intervals may follow each other */
	bool latest;		/* a file has the latest report: that of an interval replaces the one before */
	bool whole;		/* likewise, unless reports are of their intervals alone */
	bool parts;		/* has what was allocated in each interval */
	const char *ending;	/* of the names of files that are in this format; NULL: of none */
};

static inline const struct view_kind *report_only_view(const struct report_options *o)
{
	return &view_kinds[__builtin_ctz(o->views)];
}

extern const struct report_format report_formats[];	/* ends with a NULL name */
/* What --list makes of a report; no row of the table, since it needs a function's name. */
extern const struct report_format report_format_list;
/* Callers and callees (--peek), and the tree of calls (--tree). */
extern const struct report_format report_format_peek;
const struct report_format *report_format_find(const char *name);

/* The summary alone, as it stands above the table. */
void report_summary(FILE *f, const struct recording *r, const struct report_options *o);

#endif
