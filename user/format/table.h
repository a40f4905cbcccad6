/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside format/: the table of one view, which is laid out in columns.c and written in table.c. */
#ifndef ALLOCTRACE_FORMAT_TABLE_H
#define ALLOCTRACE_FORMAT_TABLE_H

#include "format/render.h"

/* A site is marked if it grew in so many intervals in a row. */
#define GREW_MARKED 3

enum column {
	COL_BYTES, COL_CALLS, COL_MEAN,
	COL_SHARE, COL_SUM,
	COL_CUM, COL_CUM_SHARE,
	COL_ERROR,			/* standard error of the metric */
	COL_GROWTH, COL_OLDEST, COL_ALLOC, COL_FREED,
	COL_TEMP,			/* share of the site's calls that is temporary */
	COL_MEDIAN, COL_HIST,
	COL_GENERATION,			/* and those of the later ones */
	COL_MAX = COL_GENERATION + PROFILE_GENERATIONS,
};

/* The range of buckets that bars are drawn for. */
struct bars {
	unsigned int first, last;
	unsigned int per_column;	/* buckets that share a column */
	size_t width;			/* columns; 0: there is nothing in any bucket */
};

struct table {
	const struct recording *r;
	const struct report_options *o;
	const struct view_kind *kind;
	bool since_mark;	/* of `live`: what was allocated since the first mark, by generation */
	bool by_age;		/* rows tell their oldest block, and whether they grow */
	struct view view;
	struct view_detail *details;	/* of the first n_rows */
	size_t n_rows;			/* at most so many are shown */
	bool cum;
	enum column shown[COL_MAX];
	size_t n_shown;
	struct bars bars;
	size_t place_width;	/* for the place and its callers */
	size_t name_width;	/* names are padded to this; 0 where the chain continues the name */
	struct counters above;	/* of the rows so far */
	struct counters all_rows;	/* view.total, unless that was made exact */
	struct buf line, text, cell;
};

/* What a line of numbers is about: a row, or the rows that aren't shown. */
struct numbers {
	struct counters flat, sum, cum;
	const struct view_detail *detail;	/* NULL: the rest, which has no cum either */
};

/* Chooses the columns, once the rows are there. */
void table_lay_out(struct table *t);
/* Appends to t->line. */
void table_put_heads(struct table *t);
void table_put_numbers(struct table *t, const struct numbers *n);

double table_share(const struct table *t, struct counters c);

/* Sets the range that the rows' buckets take, in at most `room` columns. */
void bars_lay_out(struct bars *b, const struct view_detail *details, size_t n, size_t room);
/* "1 B      1.00 MiB": from where to where the bars go. */
void bars_put_head(const struct bars *b, enum profile_hist hist, struct buf *out);
void bars_put(const struct bars *b, const struct view_detail *d, struct buf *out);
/* "<128 B": half of the values are below; nothing if there are none. */
void bars_put_median(const struct view_detail *d, enum profile_hist hist, struct buf *out);

/* The line above the rows that says what they are: "live       12.3 MiB in 1.23k blocks". */
void table_put_heading(const struct table *t, struct buf *out);

#endif
